// pgjdbc: prepared statements, batches, generated keys, cursors with a fetch size, COPY, types, savepoints, and the metadata
// calls that BI tools and editors make.

import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PGobject;

public class Jdbc {
    static void equal(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) throw new AssertionError("expected " + expected + " but got " + actual);
    }

    static List<List<String>> rows(ResultSet result, String... columns) throws SQLException {
        List<List<String>> rows = new ArrayList<>();
        while (result.next()) {
            List<String> row = new ArrayList<>();
            for (String column : columns) row.add(result.getString(column));
            rows.add(row);
        }
        result.close();
        return rows;
    }

    public static void main(String[] args) throws Exception {
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        Properties properties = new Properties();
        properties.setProperty("user", "postgres");
        for (String mode : List.of("extended", "extendedForPrepared")) {
            properties.setProperty("preferQueryMode", mode);
            try (Connection connection = DriverManager.getConnection(url, properties)) {
                schema(connection);
                work(connection);
                metadata(connection);
                try (Statement statement = connection.createStatement()) {
                    statement.execute("DROP SCHEMA shop CASCADE");
                }
            }
        }
    }

    static void schema(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE SCHEMA shop");
            statement.execute("CREATE TYPE shop.colour AS ENUM ('red', 'green')");
            statement.execute("CREATE TABLE shop.customer (id serial PRIMARY KEY, name varchar(50) NOT NULL UNIQUE, born date, credit numeric(10,2) DEFAULT 0, tags text[], data jsonb, colour shop.colour, at timestamptz, u uuid, raw bytea, big bigint GENERATED ALWAYS AS IDENTITY)");
            statement.execute("CREATE TABLE shop.purchase (customer int REFERENCES shop.customer ON DELETE CASCADE ON UPDATE RESTRICT, sku text, quantity smallint DEFAULT 1, PRIMARY KEY (customer, sku))");
            statement.execute("CREATE INDEX purchase_lower ON shop.purchase (lower(sku), quantity DESC)");
            statement.execute("CREATE VIEW shop.named AS SELECT id, name FROM shop.customer WHERE name IS NOT NULL");
        }
    }

    static void work(Connection connection) throws Exception {
        UUID uuid = new UUID(1, 2);
        String insert = "INSERT INTO shop.customer (name, born, credit, tags, data, colour, at, u, raw) VALUES (?, ?, ?, ?, ?, ?::shop.colour, ?, ?, ?)";
        PGobject json = new PGobject();
        json.setType("jsonb");
        json.setValue("{\"k\": [1, null]}");
        OffsetDateTime when = OffsetDateTime.parse("2020-01-02T03:04:05.678Z");
        for (int i = 0; i < 8; i++) { // past the threshold where the driver prepares on the server
            try (PreparedStatement statement = connection.prepareStatement(insert, Statement.RETURN_GENERATED_KEYS)) {
                statement.setString(1, "it's " + i);
                statement.setObject(2, LocalDate.of(1950, 5, 1 + i));
                statement.setBigDecimal(3, new BigDecimal("9.50"));
                statement.setArray(4, connection.createArrayOf("text", new String[] {"a", "b,\"c", null}));
                statement.setObject(5, json);
                statement.setString(6, "green");
                statement.setObject(7, when);
                statement.setObject(8, uuid);
                statement.setBytes(9, new byte[] {0, (byte) 255});
                equal(1, statement.executeUpdate());
                ResultSet keys = statement.getGeneratedKeys();
                keys.next();
                equal(i + 1, keys.getInt("id"));
            }
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM shop.customer WHERE id = ?")) {
            for (int i = 1; i <= 8; i++) {
                statement.setInt(1, i);
                ResultSet row = statement.executeQuery();
                row.next();
                equal("it's " + (i - 1), row.getString("name"));
                equal(LocalDate.of(1950, 5, i), row.getObject("born", LocalDate.class));
                equal(new BigDecimal("9.50"), row.getBigDecimal("credit"));
                equal(Arrays.asList("a", "b,\"c", null), Arrays.asList((String[]) row.getArray("tags").getArray()));
                equal("{\"k\": [1, null]}", row.getString("data"));
                equal("green", row.getString("colour"));
                equal(when.toInstant(), row.getObject("at", OffsetDateTime.class).toInstant());
                equal(uuid, row.getObject("u"));
                equal(255, row.getBytes("raw")[1] & 255);
            }
            ResultSetMetaData columns = statement.getMetaData();
            equal("customer", columns.getTableName(1));
            equal(List.of("serial", "varchar", 50, 10, 2), List.of(columns.getColumnTypeName(1), columns.getColumnTypeName(2), columns.getPrecision(2), columns.getPrecision(4), columns.getScale(4)));
            equal(true, columns.isAutoIncrement(1));
            equal(ResultSetMetaData.columnNoNulls, columns.isNullable(2));
        }
        connection.setAutoCommit(false);
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO shop.purchase VALUES (?, ?, ?)")) {
            for (int i = 0; i < 1000; i++) {
                statement.setInt(1, 1 + i % 8);
                statement.setString(2, "sku" + i);
                statement.setShort(3, (short) i);
                statement.addBatch();
            }
            int[] counts = statement.executeBatch();
            equal(1000, counts.length);
        }
        connection.commit();
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(64);
            ResultSet result = statement.executeQuery("SELECT quantity FROM shop.purchase ORDER BY quantity");
            int next = 0;
            while (result.next()) equal(next++, result.getInt(1));
            equal(1000, next);
        }
        Savepoint savepoint = connection.setSavepoint("here");
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate("INSERT INTO shop.customer (name) VALUES ('it''s 0')");
            throw new AssertionError("a duplicate was accepted");
        } catch (SQLException error) {
            equal("23505", error.getSQLState());
            connection.rollback(savepoint);
        }
        try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
            ResultSet result = statement.executeQuery("SELECT id, name FROM shop.customer ORDER BY id");
            result.absolute(3);
            result.updateString("name", "changed");
            result.updateRow();
            result.last();
            equal(8, result.getRow());
        }
        connection.commit();
        connection.setAutoCommit(true);
        try (Statement statement = connection.createStatement()) {
            equal(true, statement.execute("SELECT 1; UPDATE shop.customer SET credit = 1 WHERE id = 3; SELECT 2"));
            equal(false, statement.getMoreResults());
            equal(1, statement.getUpdateCount());
            equal(true, statement.getMoreResults());
            ResultSet escaped = statement.executeQuery("SELECT {fn concat('a', 'b')}, {d '2020-01-02'}, {ts '2020-01-02 03:04:05'}");
            escaped.next();
            equal("ab", escaped.getString(1));
        }
        CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
        equal(2L, copy.copyIn("COPY shop.purchase (customer, sku) FROM STDIN", new StringReader("1\tx\n2\ty\n")));
        StringWriter out = new StringWriter();
        copy.copyOut("COPY (SELECT sku FROM shop.purchase WHERE sku < 'sz' AND sku NOT LIKE 'sku%' OR sku > 'w' ORDER BY 1) TO STDOUT WITH CSV HEADER", out);
        equal("sku\nx\ny\n", out.toString());
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        equal(Connection.TRANSACTION_REPEATABLE_READ, connection.getTransactionIsolation());
        connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        connection.setReadOnly(true);
        equal(true, connection.isValid(5));
        connection.setReadOnly(false);
    }

    static void metadata(Connection connection) throws SQLException {
        DatabaseMetaData data = connection.getMetaData();
        equal("PostgreSQL", data.getDatabaseProductName());
        equal(15, data.getDatabaseMajorVersion());
        equal(List.of(List.of("customer", "TABLE"), List.of("purchase", "TABLE"), List.of("named", "VIEW")), rows(data.getTables(null, "shop", "%", new String[] {"TABLE", "VIEW"}), "TABLE_NAME", "TABLE_TYPE"));
        equal(
            "[[id, serial, 10, 0, nextval('shop.customer_id_seq'::regclass), YES], [name, varchar, 50, 0, null, NO], [born, date, 13, 1, null, NO], [credit, numeric, 10, 1, 0, NO]]",
            rows(data.getColumns(null, "shop", "customer", "%"), "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE", "NULLABLE", "COLUMN_DEF", "IS_AUTOINCREMENT").subList(0, 4).toString());
        equal(List.of(List.of("customer", "1", "purchase_pkey"), List.of("sku", "2", "purchase_pkey")), rows(data.getPrimaryKeys(null, "shop", "purchase"), "COLUMN_NAME", "KEY_SEQ", "PK_NAME"));
        List<List<String>> keys = List.of(List.of("customer", "id", "purchase", "customer", "1", "0", "purchase_customer_fkey", "customer_pkey"));
        String[] columns = {"PKTABLE_NAME", "PKCOLUMN_NAME", "FKTABLE_NAME", "FKCOLUMN_NAME", "UPDATE_RULE", "DELETE_RULE", "FK_NAME", "PK_NAME"};
        equal(keys, rows(data.getImportedKeys(null, "shop", "purchase"), columns));
        equal(keys, rows(data.getExportedKeys(null, "shop", "customer"), columns));
        equal(keys, rows(data.getCrossReference(null, "shop", "customer", null, "shop", "purchase"), columns));
        equal(
            "[[f, purchase_pkey, 1, customer, A], [f, purchase_pkey, 2, sku, A], [t, purchase_lower, 1, lower(sku), A], [t, purchase_lower, 2, quantity, D]]",
            rows(data.getIndexInfo(null, "shop", "purchase", false, true), "NON_UNIQUE", "INDEX_NAME", "ORDINAL_POSITION", "COLUMN_NAME", "ASC_OR_DESC").toString());
        equal(true, rows(data.getSchemas(), "TABLE_SCHEM").containsAll(List.of(List.of("information_schema"), List.of("pg_catalog"), List.of("public"), List.of("shop"))));
        equal(true, rows(data.getTypeInfo(), "TYPE_NAME").size() > 80);
        equal(true, rows(data.getTablePrivileges(null, "shop", "customer"), "PRIVILEGE").size() >= 7);
        equal(true, rows(data.getColumnPrivileges(null, "shop", "customer", "name"), "PRIVILEGE").size() >= 4);
        equal(true, rows(data.getFunctions(null, "pg_catalog", "generate_series"), "FUNCTION_NAME").size() >= 5);
        equal(true, rows(data.getFunctionColumns(null, "pg_catalog", "lower", null), "COLUMN_NAME").size() >= 2);
        equal(0, rows(data.getProcedures(null, "shop", "%"), "PROCEDURE_NAME").size());
        equal(List.of(List.of("id")), rows(data.getBestRowIdentifier(null, "shop", "customer", DatabaseMetaData.bestRowSession, true), "COLUMN_NAME"));
        equal(true, rows(data.getVersionColumns(null, "shop", "customer"), "COLUMN_NAME").contains(List.of("ctid")));
        equal(List.of(List.of("TABLE"), List.of("VIEW")), rows(data.getTableTypes(), "TABLE_TYPE").stream().filter(row -> Set.of("TABLE", "VIEW").contains(row.get(0))).toList());
        equal(true, data.getSQLKeywords().contains("ilike"));
        equal(true, data.getStringFunctions().length() > 0);
        equal(63, data.getMaxTableNameLength());
        equal(true, rows(data.getClientInfoProperties(), "NAME").contains(List.of("ApplicationName")));
        equal(true, rows(data.getCatalogs(), "TABLE_CAT").size() >= 1);
    }
}

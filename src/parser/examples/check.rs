use std::io::Read;
fn main() {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).unwrap();
    for sql in input.split('\0') {
        if sql.is_empty() {
            continue;
        }
        match dictdb_parser::parse(sql, &dictdb_parser::Limits::default()) {
            Ok(list) => println!("OK\t\t{}\t\t", list.len()),
            Err(e) => {
                let f = e.fields();
                println!(
                    "{}\t{}\t{}\t{}",
                    f.code,
                    f.position.unwrap_or(0),
                    f.message.replace('\n', "\\n"),
                    f.hint.clone().unwrap_or_default()
                );
            }
        }
    }
}

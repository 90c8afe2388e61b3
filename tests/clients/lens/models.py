"""The models of the lens database; `sql/lens_schema.sql` and the migrations make the same tables."""
import sqlalchemy as sa
from sqlalchemy import orm

# PostgreSQL's own names, so that models, migrations and the script agree on them.
NAMES = {"pk": "%(table_name)s_pkey", "fk": "%(table_name)s_%(column_0_name)s_fkey", "uq": "%(table_name)s_%(column_0_name)s_key"}


class Base(orm.DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMES)


class Named:
    """What has a name of its own and lenses."""

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    nom: orm.Mapped[str] = orm.mapped_column(sa.String(100), unique=True)


class Fournisseur(Named, Base):
    __tablename__ = "fournisseurs"
    __table_args__ = {"comment": "Suppliers"}
    verres: orm.Mapped[list["Verre"]] = orm.relationship(back_populates="fournisseur")


class Materiau(Named, Base):
    __tablename__ = "materiaux"
    __table_args__ = {"comment": "Materials"}
    verres: orm.Mapped[list["Verre"]] = orm.relationship(back_populates="materiau")


class Gamme(Named, Base):
    __tablename__ = "gammes"
    __table_args__ = {"comment": "Ranges"}
    verres: orm.Mapped[list["Verre"]] = orm.relationship(back_populates="gamme")


class Serie(Named, Base):
    __tablename__ = "series"
    __table_args__ = {"comment": "Series"}
    verres: orm.Mapped[list["Verre"]] = orm.relationship(back_populates="serie")


class Verre(Base):
    __tablename__ = "verres"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    nom: orm.Mapped[str] = orm.mapped_column(sa.String(100))
    variante: orm.Mapped[str | None] = orm.mapped_column(sa.String(50))
    hauteur_min: orm.Mapped[int | None] = orm.mapped_column(comment="Least fitting height in millimetres")
    hauteur_max: orm.Mapped[int | None] = orm.mapped_column(comment="Greatest fitting height in millimetres")
    indice: orm.Mapped[float] = orm.mapped_column(sa.Float, comment="Refractive index")
    url_gravure: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    url_source: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    fournisseur_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("fournisseurs.id"))
    materiau_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("materiaux.id"))
    gamme_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("gammes.id"))
    serie_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("series.id"))

    fournisseur: orm.Mapped[Fournisseur | None] = orm.relationship(back_populates="verres")
    materiau: orm.Mapped[Materiau | None] = orm.relationship(back_populates="verres")
    gamme: orm.Mapped[Gamme | None] = orm.relationship(back_populates="verres")
    serie: orm.Mapped[Serie | None] = orm.relationship(back_populates="verres")

    __table_args__ = (
        sa.CheckConstraint("indice >= 1.0 AND indice <= 2.0", name="ck_verre_indice"),
        sa.CheckConstraint("0 <= hauteur_min AND hauteur_min <= hauteur_max AND hauteur_max <= 100", name="ck_verre_hauteur"),
        sa.Index("idx_verre_nom", "nom"),
        sa.Index("idx_verre_indice", "indice"),
        sa.Index("idx_verre_fournisseur", "fournisseur_id"),
        sa.Index("idx_verre_materiau", "materiau_id"),
        sa.Index("idx_verre_gamme", "gamme_id"),
        sa.Index("idx_verre_serie", "serie_id"),
        {"comment": "Lenses"},
    )

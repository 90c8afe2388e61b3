"""What the lens application does with the models: the functions of its specification."""
import sqlalchemy as sa
from sqlalchemy import orm

from .models import Verre


class DBOperationError(Exception):
    """An operation that the database refused; the transaction has been rolled back."""


def create_verre(db, **values):
    try:
        with db.begin_nested():
            verre = Verre(**values)
            db.add(verre)
        db.commit()
    except sa.exc.SQLAlchemyError as error:
        db.rollback()
        raise DBOperationError(str(error)) from error
    return verre


def get_verre(db, verre_id):
    return db.get(Verre, verre_id)


def list_verres(db, skip=0, limit=20, nom=None, indice=None):
    """A page of lenses with everything they refer to, in one query, and the number of all that match."""
    found = sa.select(Verre)
    if nom is not None:
        found = found.where(Verre.nom.ilike(f"%{nom}%"))
    if indice is not None:
        found = found.where(Verre.indice.between(*indice))
    total = db.scalar(sa.select(sa.func.count()).select_from(found.subquery()))
    relations = (Verre.fournisseur, Verre.materiau, Verre.gamme, Verre.serie)
    page = found.options(*map(orm.joinedload, relations)).order_by(Verre.nom, Verre.id).offset(skip).limit(limit)
    return db.scalars(page).unique().all(), total


def update_verre(db, verre_id, **values):
    verre = db.get(Verre, verre_id)
    for name, value in values.items():
        setattr(verre, name, value)
    try:
        db.commit()
    except sa.exc.SQLAlchemyError as error:
        db.rollback()
        raise DBOperationError(str(error)) from error
    return verre


def delete_verre(db, verre_id):
    db.delete(db.get(Verre, verre_id))
    db.commit()

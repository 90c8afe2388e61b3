"""Django: migrations, the ORM, inspectdb, introspection, and the test runner with a database of its own."""
import datetime as dt
import decimal
import io
import os
import pathlib
import sys
import tempfile
import uuid

root = pathlib.Path(tempfile.mkdtemp())
app = root / "library"
(app / "migrations").mkdir(parents=True)
(app / "__init__.py").touch()
(app / "migrations" / "__init__.py").touch()
(app / "models.py").write_text(
    '''
import uuid
from django.contrib.postgres.fields import ArrayField
from django.db import models

class Author(models.Model):
    name = models.CharField(max_length=50, unique=True)
    born = models.DateField(null=True)
    email = models.EmailField(blank=True, db_index=True)
    class Meta:
        ordering = ["name"]

class Tag(models.Model):
    slug = models.SlugField(primary_key=True)

class Book(models.Model):
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=100)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    tags = models.ManyToManyField(Tag, blank=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    pages = models.PositiveSmallIntegerField(default=1)
    data = models.JSONField(default=dict)
    words = ArrayField(models.TextField(), default=list)
    lent = models.DurationField(null=True)
    added = models.DateTimeField(auto_now_add=True)
    class Meta:
        indexes = [models.Index(fields=["title", "-price"], name="title_price")]
        constraints = [
            models.CheckConstraint(condition=models.Q(price__gte=0), name="price_positive"),
            models.UniqueConstraint(fields=["author", "title"], name="one_title"),
            models.UniqueConstraint(fields=["title"], condition=models.Q(pages__gt=1000), name="long_title"),
        ]
'''
)
(app / "tests.py").write_text(
    '''
from django.test import TestCase, TransactionTestCase
from django.db import IntegrityError, transaction
from library.models import Author

class InTransaction(TestCase):
    @classmethod
    def setUpTestData(cls):
        Author.objects.create(name="shared")
    def test_rollback(self):
        Author.objects.create(name="mine")
        self.assertEqual(Author.objects.count(), 2)
    def test_savepoint(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            Author.objects.create(name="shared")
        self.assertEqual(Author.objects.count(), 1)

class Flushed(TransactionTestCase):
    def test_one(self):
        Author.objects.create(name="a")
        self.assertEqual(Author.objects.count(), 1)
    def test_two(self):
        self.assertEqual(Author.objects.count(), 0)
'''
)
sys.path.insert(0, str(root))

import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "library"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PGHOST"],
            "PORT": os.environ["PGPORT"],
            "USER": "postgres",
            "NAME": os.environ["PGDATABASE"],
        }
    },
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.db import IntegrityError, connection, models, transaction
from django.test.utils import get_runner
from django.db.models import Avg, Count, Exists, F, OuterRef, Prefetch, Q, Subquery, Sum, Value, Window
from django.db.models.functions import Coalesce, Concat, ExtractYear, Lower, RowNumber, TruncMonth
from library.models import Author, Book, Tag

call_command("makemigrations", "library", verbosity=0)
call_command("migrate", verbosity=0)
call_command("makemigrations", "library", check=True, dry_run=True, verbosity=0)

anna = Author.objects.create(name="Anna", born=dt.date(1950, 5, 1))
ben = Author.objects.create(name="Ben", email="ben@x.org")
Tag.objects.bulk_create([Tag(slug="new"), Tag(slug="old")])
books = Book.objects.bulk_create(
    [Book(title=f"T{i}", author=anna if i % 2 else ben, price=decimal.Decimal(i), pages=i * 10, data={"n": i, "deep": {"k": [i]}}, words=[f"w{i}", "all"]) for i in range(1, 9)]
)
assert all(book.pk for book in books)
books[0].tags.add("new", "old")
books[1].tags.set([Tag.objects.get(slug="old")])
assert Book.objects.filter(tags__slug="old").count() == 2
assert list(Book.objects.filter(data__n__gte=7).order_by("title").values_list("title", flat=True)) == ["T7", "T8"]
assert Book.objects.get(data__deep__k__0=3).title == "T3"
assert Book.objects.filter(words__contains=["w2"]).get().title == "T2"
assert Book.objects.filter(words__overlap=["w1", "w2"]).count() == 2
assert Book.objects.filter(title__iexact="t1").exists() and Book.objects.filter(title__iregex="^t[12]$").count() == 2
found = Author.objects.annotate(n=Count("books"), total=Sum("books__price"), mean=Avg("books__pages")).get(name="Anna")
assert (found.n, found.total, found.mean) == (4, decimal.Decimal("16"), 40.0), (found.n, found.total, found.mean)
assert Book.objects.filter(Q(price__lt=2) | ~Q(author=anna)).count() == 5
Book.objects.update(price=F("price") + 1)
assert Book.objects.aggregate(total=Sum("price"))["total"] == decimal.Decimal("44")
ranked = Book.objects.annotate(rank=Window(RowNumber(), partition_by=F("author"), order_by=F("price").desc())).order_by("author__name", "rank")
assert [(b.title, b.rank) for b in ranked[:2]] == [("T7", 1), ("T5", 2)]
dearest = Book.objects.filter(author=OuterRef("pk")).order_by("-price")
assert Author.objects.annotate(best=Subquery(dearest.values("title")[:1])).values_list("best", flat=True)[0] == "T7"
assert Author.objects.filter(Exists(Book.objects.filter(author=OuterRef("pk"), price__gt=8))).get() == ben
assert Author.objects.annotate(label=Concat(Lower("name"), Value("/"), Coalesce("email", Value("-")), output_field=models.TextField())).get(name="Ben").label == "ben/ben@x.org"
assert Author.objects.annotate(y=ExtractYear("born")).get(name="Anna").y == 1950
assert Book.objects.annotate(m=TruncMonth("added")).values("m").annotate(n=Count("pk")).get()["n"] == 8
with_books = Author.objects.prefetch_related(Prefetch("books", Book.objects.order_by("-price")), "books__tags")
assert [b.title for b in with_books[0].books.all()] == ["T7", "T5", "T3", "T1"]
assert Book.objects.select_related("author").get(title="T2").author.name == "Ben"
assert len(list(Book.objects.order_by("pk").iterator(chunk_size=3))) == 8  # a server-side cursor
assert Book.objects.get_or_create(title="T1", author=anna)[1] is False
assert Author.objects.update_or_create(name="Ben", defaults={"born": dt.date(1960, 1, 1)})[1] is False
Author.objects.bulk_create([Author(name="Anna", born=dt.date(1951, 1, 1)), Author(name="Cleo")], update_conflicts=True, unique_fields=["name"], update_fields=["born"])
assert Author.objects.get(name="Anna").born == dt.date(1951, 1, 1) and Author.objects.count() == 3
Book.objects.filter(title="T1").update(lent=dt.timedelta(days=3, hours=4))
assert Book.objects.get(title="T1").lent == dt.timedelta(days=3, hours=4)
for wrong in (Book(title="x", author=anna, price=-1), Book(title="T1", author=anna)):
    try:
        with transaction.atomic():
            wrong.save()
        raise AssertionError("a constraint did not hold")
    except IntegrityError:
        pass
with transaction.atomic():
    assert Book.objects.select_for_update(of=("self",)).select_related("author").get(title="T2").pages == 20
union = Author.objects.filter(name="Ben").union(Author.objects.filter(name="Cleo")).order_by("name")
assert [a.name for a in union] == ["Ben", "Cleo"]
assert Book.objects.filter(author=anna).explain().count("Scan") >= 1
assert Author.objects.get(name="Anna").delete()[0] == 7  # itself, four books, two tag links
assert isinstance(Book.objects.first().key, uuid.UUID)

out = io.StringIO()
call_command("inspectdb", "library_book", stdout=out)
text = out.getvalue()
for expected in ("title = models.CharField(unique=True, max_length=100)", "author = models.ForeignKey('LibraryAuthor', models.DO_NOTHING)", "data = models.JSONField()", "price = models.DecimalField(max_digits=8, decimal_places=2)", "lent = models.DurationField(blank=True, null=True)", "unique_together = (('author', 'title'),)"):
    assert expected in text, (expected, text)
with connection.cursor() as cursor:
    constraints = connection.introspection.get_constraints(cursor, "library_book")
    assert constraints["price_positive"]["check"] and constraints["one_title"]["unique"] and constraints["title_price"]["orders"] == ["ASC", "DESC"]
    assert connection.introspection.get_sequences(cursor, "library_book")[0]["name"] == "library_book_id_seq"
    assert "library_author" in connection.introspection.table_names(cursor)

# A schema change on a table with rows, there and back.
with connection.schema_editor() as editor:
    field = models.CharField(max_length=20, default="x", null=False)
    field.set_attributes_from_name("extra")
    editor.add_field(Author, field)
    wider = models.TextField(null=True)
    wider.set_attributes_from_name("extra")
    editor.alter_field(Author, field, wider)
    editor.remove_field(Author, wider)
call_command("migrate", "library", "zero", verbosity=0)
call_command("migrate", verbosity=0)
call_command("flush", interactive=False, verbosity=0)

failures = get_runner(settings)(verbosity=0, interactive=False).run_tests(["library"])
assert failures == 0, failures

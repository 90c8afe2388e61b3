"""The lens application of the tests: models, operations, migrations."""

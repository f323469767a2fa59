"""Sources: bytes in the landing folder → typed Arrow record batches, as the dataset policy declares.

Reading order: `read` (the one door: `read_table`) → `landing` (paths, digests, unpacking) → `delimited`, `omop`, `fhir`
(with `fhir_path`), `vcf` (after `vcf_check`: a parser is not a validator) → `values` (text → declared types) →
`quarantine` (rows that did not fit: file, line, reason; never a value).

Nothing is guessed and nothing is repaired: encodings, delimiters and calendars are declared; a full-width digit is not a
number; a row that does not fit is left out and listed; a file that does not fit ends with a `DataError`.

To add one more source: a class with its own `format:` in `policies/model/source.py`; a module here with a function
`open_…(table, files, …)` that gives a schema and an iterator of record batches and reports each refused row to a
`Quarantine`; a branch in `read.read_table`; tests with a hand-made file for every refusal.
"""

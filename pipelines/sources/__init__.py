"""Sources: bytes in the landing folder → typed Arrow record batches, as the dataset policy declares.

Reading order:

1. `read`: the one door, `read_table`.
2. `landing`: which files a policy names, unpacking, digests. `quarantine`: rows that did not fit; never a value.
3. `delimited` (with `encodings`), `omop`, `fhir` (with `fhir_path`): rows of text. `batches`, `values`: text → declared types.
4. `vcf`: sites with the alleles of all samples; before it `vcf_check` (`vcf_meta` the head, `vcf_record` the fixed columns,
   `vcf_samples` the genotypes, `vcf_reserved` the keys of the specification, `vcf_report` the verdict).

Nothing is guessed and nothing is repaired: encodings, delimiters and calendars are declared; a full-width digit is not a
number; a row that does not fit is left out and listed; a file that does not fit ends with a `DataError`.

To add one more source: a class with its own `format:` in `policies/model/source.py`; a module here with a function
`open_…(table, files, …)` that gives a schema and an iterator of record batches and reports each refused row to a
`Quarantine`; a branch in `read.read_table`; tests with a hand-made file for every refusal.
"""

"""Labels of image files from a .csv table beside them."""

import collections
import csv
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from sparring.data.files import Files, Parts
from sparring.errors import DataError, few

LABELS_FILE = "labels.csv"
FILE_COLUMNS = {"file", "filename", "file_name", "image", "image_name", "path"}
LABEL_COLUMNS = {"label", "labels", "class", "class_name"}


def read_labels(files: Files) -> tuple[dict[Parts, str] | None, list[str]]:
    """The label of every image by the table beside them, and notes on it.

    The table is `labels.csv`, or else the only .csv there is, if its rows name images. Its first row names the columns:
    one of `FILE_COLUMNS` and one of `LABEL_COLUMNS`, in any case and order, among others. A file is named by its path
    as seen from the table, or by its name alone where only one file has it.

    Returns:
        None for the labels where there is no such table.

    Raises:
        DataError: `labels.csv` has no such columns, or images and rows do not fit each other.
    """
    chosen = [parts for parts in files.tables if parts[-1].lower() == LABELS_FILE] or files.tables
    if len(chosen) != 1:
        if chosen:
            return None, [f"There are {len(chosen)} .csv files and none is the one {LABELS_FILE}: no labels were read."]
        return None, []
    (table,) = chosen
    place, demanded = "/".join(table), table[-1].lower() == LABELS_FILE
    rows = _rows(files, table, demanded)
    lookup = _lookup(files, table[:-1])
    found = [(lookup.get(str(PurePosixPath(name.replace("\\", "/")))), name, label) for name, label in rows]
    if not demanded and not any(parts for parts, _, _ in found):
        return None, [f"{place} names no image by columns such as file and label, and was passed over."]
    counts = collections.Counter(parts for parts, _, _ in found if parts)
    labels = {parts: label for parts, _, label in found if parts and label}
    _complain(files, table, "names {} that {} not there", [name for parts, name, _ in found if not parts])
    _complain(files, table, "names {} more than once", ["/".join(parts) for parts in counts if counts[parts] > 1])
    _complain(files, table, "has no label for {}", ["/".join(parts) for parts in files.images if parts not in labels])
    return labels, [f"The labels are those in {place}."]


def _rows(files: Files, table: Parts, demanded: bool) -> list[tuple[str, str]]:
    """Pairs of file and label; none where the columns are missing and the table is not `demanded`."""
    place = f"{'/'.join(table)} in {files.path}"
    try:
        text = files.read(table).decode("utf-8-sig")
        header = text.partition("\n")[0]
        separator = max(",;\t", key=header.count)  # Spreadsheets of many countries write semicolons.
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(map(str.strip, row))]
    # The last four are what zipfile raises on damage.
    except (UnicodeDecodeError, csv.Error, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{place} could not be read as a table ({error}). Write it again as UTF-8 text.") from error
    columns = [name.strip().lower() for name in rows[0]] if rows else []
    file = next((i for i, name in enumerate(columns) if name in FILE_COLUMNS), None)
    label = next((i for i, name in enumerate(columns) if name in LABEL_COLUMNS), None)
    if file is None or label is None:
        if demanded:
            raise DataError(
                f"The first row of {place} must name a column file and a column label. "
                f"Received: {', '.join(columns[:8]) or 'nothing'}. Write file,label above the rows."
            )
        return []
    return [(row[file].strip(), row[label].strip() if len(row) > label else "") for row in rows[1:] if len(row) > file]


def _lookup(files: Files, folder: Parts) -> dict[str, Parts]:
    """Images by what a table in `folder` may call them."""
    names = collections.Counter(parts[-1] for parts in files.images)
    found = {parts[-1]: parts for parts in files.images if names[parts[-1]] == 1}
    found |= {"/".join(parts): parts for parts in files.images}
    found |= {
        "/".join(parts[len(folder) :]): parts for parts in files.images if parts[: len(folder)] == folder
    }  # Seen from the table: the last word, where a path could be read in two ways.
    return found


def _complain(files: Files, table: Parts, problem: str, names: Sequence[str]):
    """End in a sentence if there are `names` that `problem` is true of."""
    if not names:
        return
    one = len(names) == 1
    what = problem.format(f"{len(names):,} {'file' if one else 'files'}", "is" if one else "are")
    raise DataError(
        f"{'/'.join(table)} in {files.path} {what}: {few(names)}. "
        "It must name every image once: mend it, or remove it to train without its labels."
    )

"""Finished experiments as files told them: one row per customer and metric, no times.

A Delta table beside the events. An import takes the place of an earlier one of the same
experiment, whole and at once.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.delta import DeltaWriter, Layout, read_files, write_file
from analysis.store import STORE_FOLDER
from experiments.config import Settings

UNIT_SCHEMA = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("import_id", pa.string(), nullable=False),
        pa.field("customer", pa.binary(), nullable=False),
        pa.field("variant", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("attributes", pa.string()),
    ]
)
UNIT_LAYOUT = Layout(
    schema=UNIT_SCHEMA,
    folders=("experiment",),
    measured=("value",),
    dictionary=("import_id", "variant", "metric", "attributes", "customer"),
)


@dataclass(frozen=True, slots=True)
class Units:
    """The units of one experiment at one moment.

    Attributes:
        version: of the table.
        files: paths of its active Parquet files.
    """

    version: int
    files: tuple[str, ...]


class UnitStore:
    """The unit tables of one installation."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.data_dir / STORE_FOLDER / "units"

    def of(self, experiment: str) -> Units | None:
        """Find the units of an experiment, or None when it has none."""
        version, stored = read_files(self.path, UNIT_LAYOUT)
        files = tuple(
            str(self.path / file.path)
            for file in stored
            if file.folders["experiment"] == experiment
        )
        return Units(version, files) if files else None

    def files_by_experiment(self) -> dict[str, list[str]]:
        """List the Parquet files of every experiment that has units."""
        found: dict[str, list[str]] = {}
        for file in read_files(self.path, UNIT_LAYOUT)[1]:
            path = str(self.path / file.path)
            found.setdefault(file.folders["experiment"], []).append(path)
        return found

    def import_id(self, experiment: str) -> str | None:
        """Tell which import an experiment's units are from; None when it has none."""
        units = self.of(experiment)
        if units is None:
            return None
        ids = pq.ParquetFile(units.files[0]).read_row_group(0, columns=["import_id"])
        found: str = ids["import_id"][0].as_py()
        return found

    def metrics(self, experiment: str) -> frozenset[str]:
        """Tell of which metrics an experiment has outcomes, by their keys."""
        units = self.of(experiment)
        columns = [
            pq.ParquetFile(file).read(columns=["metric"])["metric"].unique()
            for file in (units.files if units else ())
        ]
        return frozenset(key for column in columns for key in column.to_pylist())

    def replace(self, experiment: str, rows: pa.Table) -> None:
        """Store the units of an experiment in place of those it had.

        Args:
            experiment: its key, which is safe as a folder name.
            rows: UNIT_SCHEMA without `experiment`, at least one row.

        Raises:
            Conflict: another import committed at the same time; nothing was stored.
            StorageFull: the disk is full; nothing was stored.
        """
        writer = DeltaWriter(self.path, UNIT_LAYOUT)
        former = [f for f in writer.files() if f.folders["experiment"] == experiment]
        folders = {"experiment": experiment}
        added = write_file(self.path, UNIT_LAYOUT, folders, rows)
        writer.commit([added], {}, former)

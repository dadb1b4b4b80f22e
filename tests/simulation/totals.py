"""Totals of the played histories."""

from collections import Counter
from dataclasses import asdict, dataclass, field


@dataclass
class Totals:
    """Counts of everything that was played."""

    histories: int = 0
    runs: int = 0
    requests: int = 0
    events: int = 0
    looks: int = 0
    steps: int = 0
    crashes: int = 0
    kills: int = 0
    two_accounts: int = 0
    over_v4: int = 0
    of_files: int = 0
    of_outbox: int = 0
    of_senders: int = 0
    of_workers: int = 0
    of_clusters: int = 0
    processes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Totals") -> None:
        for name in asdict(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def __str__(self) -> str:
        kinds = f"{self.over_v4} over v4, {self.two_accounts} of two accounts, {self.of_files} of files"
        kinds += f", {self.of_outbox} of the outbox, {self.of_senders} of its senders"
        kinds += f", {self.of_workers} of workers, {self.of_clusters} of clusters"
        parts = [f"{self.histories} histories ({kinds})"]
        parts += [f"{self.runs} runs", f"{self.processes} processes in turn", f"{self.requests} requests"]
        parts += [f"{self.events} events", f"{self.looks} looks of a reader", f"{self.steps} steps"]
        parts += [f"{self.crashes} crashes", f"{self.kills} real kills"]
        faults = ", ".join(f"{kind} {number}" for kind, number in self.faults.most_common())
        endings = ", ".join(f"{kind or 'well'} {number}" for kind, number in self.endings.most_common())
        return f"{', '.join(parts)}\nfaults: {faults}\nruns ended: {endings}"

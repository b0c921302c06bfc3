"""A real SLURM of one node, private to a test run: munge, slurmctld and slurmd of Debian.

Everything lies in one folder and listens on loopback alone, so that several may run side by side.
There is no accounting database, as on some clusters, and memory is watched by polling.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")
CLIENTS = ("sbatch", "srun", "squeue", "scancel", "sinfo", "scontrol", "sacct")
SYSTEM = "/usr/sbin:/usr/local/sbin:/sbin"

CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=pmi2
PlugStackConfig={folder}/plugstack.conf
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=200000,bf_interval=1,batch_sched_delay=0,sched_interval=2
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed.txt
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=3600
KillWait=2
InactiveLimit=0
DefMemPerCPU=512
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=short Nodes={host} Default=YES MaxTime=120 State=UP
"""


def find_missing() -> list[str]:
    """Programs of SLURM and munge that are not installed."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM}"
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


def _free_ports(count: int) -> list[int]:
    holders = [socket.socket() for _ in range(count)]
    try:
        for holder in holders:
            holder.bind(("127.0.0.1", 0))
        return [holder.getsockname()[1] for holder in holders]
    finally:
        for holder in holders:
            holder.close()


@dataclass
class Cluster:
    """A running SLURM.

    Attributes:
        folder: all its files.
        environment: what a process needs in order to use it.
    """

    folder: Path
    environment: dict[str, str]

    def ask(self, *command: str, check: bool = True) -> str:
        """Run one of SLURM's programs; its output."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def list_jobs(self, *states: str) -> list[list[str]]:
        """Id, state and comment of the jobs in some states, by default those not yet over."""
        which = [f"--states={','.join(states)}"] if states else []
        lines = self.ask("squeue", "-h", "-o", "%i|%T|%k", *which).splitlines()
        return [line.split("|") for line in lines]

    def wait_until_idle(self, seconds: float = 60) -> None:
        """Wait until no job is left."""
        end = time.monotonic() + seconds
        while self.list_jobs():
            if time.monotonic() > end:
                raise RuntimeError(f"jobs are left: {self.list_jobs()}")
            time.sleep(0.3)

    def start(self, name: str) -> None:
        """Start slurmctld or slurmd."""
        command = {
            "slurmctld": ["slurmctld", "-f", str(self.folder / "slurm.conf")],
            "slurmd": ["slurmd", "-N", socket.gethostname(), "-f", str(self.folder / "slurm.conf")],
        }[name]
        self.ask(*command)

    def stop(self, name: str) -> None:
        """End slurmctld, slurmd or munged, by the id that it left."""
        file = self.folder / f"{name}.pid"
        try:
            pid = int(file.read_text().strip())
        except (OSError, ValueError):
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            for _ in range(50):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    file.unlink(missing_ok=True)
                    return
                time.sleep(0.1)

    def end_strays(self) -> None:
        """End what jobs have left: this SLURM has no control groups, and misses some processes."""
        mark = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        for file in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if int(file.parent.name) != os.getpid() and mark in file.read_bytes().split(b"\0"):
                    os.kill(int(file.parent.name), signal.SIGKILL)

    def wait_until_ready(self, seconds: float = 30) -> None:
        """Wait until the node takes jobs."""
        end = time.monotonic() + seconds
        while True:
            states = self.ask("sinfo", "-h", "-o", "%t", check=False).split()
            if states and all(state in ("idle", "mix", "alloc") for state in states):
                return
            if time.monotonic() > end:
                logs = [self.folder / f"{name}.log" for name in ("munged", "slurmctld", "slurmd")]
                text = "\n".join(log.read_text() for log in logs if log.exists())
                raise RuntimeError(f"SLURM does not start, its node is {states}\n{text}")
            time.sleep(0.2)


def _prepare(folder: Path, cpus: int, memory: int) -> Cluster:
    for name, mode in (("munge", 0o711), ("state", 0o700), ("spool", 0o755), ("bin", 0o755)):
        (folder / name).mkdir()
        (folder / name).chmod(mode)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    (folder / "plugstack.conf").write_text("")
    controller, node = _free_ports(2)
    settings = {"host": socket.gethostname(), "user": getpass.getuser(), "folder": folder}
    text = CONF.format(**settings, controller=controller, node=node, cpus=cpus, memory=memory)
    (folder / "slurm.conf").write_text(text)
    path = os.environ.get("PATH", "/usr/bin:/bin")
    for name in CLIENTS:
        program = shutil.which(name)
        if program is None:
            continue
        # Steps of a job lose all SLURM_ variables, this one too.
        client = folder / "bin" / name
        client.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {program} "$@"\n')
        client.chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_"))}
    environment["PATH"] = f"{folder}/bin:{path}:{SYSTEM}"
    environment["SLURM_CONF"] = f"{folder}/slurm.conf"
    return Cluster(folder, environment)


@contextmanager
def run_cluster(cpus: int = 4, memory: int = 6000) -> Iterator[Cluster]:
    """Start a SLURM of one node; it is gone afterwards, with its jobs.

    Args:
        cpus: processors that the node claims to have.
        memory: its memory, MB.
    """
    folder = Path(tempfile.mkdtemp(prefix="coatline-slurm-"))  # short: names of sockets are limited
    folder.chmod(0o711)
    cluster = _prepare(folder, cpus, memory)
    munge = folder / "munge"
    try:
        cluster.ask(
            "munged",
            f"--socket={munge}/socket",
            f"--key-file={munge}/key",
            f"--pid-file={folder}/munged.pid",
            f"--seed-file={munge}/seed",
            f"--log-file={folder}/munged.log",
            "--num-threads=2",
        )
        cluster.start("slurmctld")
        cluster.start("slurmd")
        cluster.wait_until_ready()
        yield cluster
    finally:
        cluster.ask("scancel", f"--user={getpass.getuser()}", "--signal=KILL", check=False)
        cluster.ask("scancel", f"--user={getpass.getuser()}", check=False)
        with suppress(RuntimeError, subprocess.TimeoutExpired):
            cluster.wait_until_idle(20)
        for name in ("slurmd", "slurmctld", "munged"):
            cluster.stop(name)
        cluster.end_strays()
        shutil.rmtree(folder, ignore_errors=True)

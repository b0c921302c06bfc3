"""A real SLURM of one node, private to a test run: munge, slurmctld and slurmd of Debian.

Everything lies in one folder and listens on loopback alone, so that several may run side by side.
There is no accounting database, as on some clusters, and memory is watched by polling.
"""

import getpass
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
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


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _is_step(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"slurmstepd")
    return False


def find_descendants(pids: set[int]) -> set[int]:
    """Processes, and all that they have started."""
    children: dict[int | None, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        children.setdefault(_parent(int(folder.name)), []).append(int(folder.name))
    found: set[int] = set()
    left = list(pids)
    while left:
        pid = left.pop()
        if pid not in found:
            found.add(pid)
            left += children.get(pid, [])
    return found


def list_listeners(pids: set[int]) -> list[tuple[str, str]]:
    """Where processes listen for TCP: command and address of each socket, one that is shared once.

    Sockets of `/proc/net` belong to the processes that have their inodes open.
    """
    sockets = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A":  # TCP_LISTEN
                sockets[words[9]] = _read_address(words[1].partition(":")[0])
    found = {}
    for pid in sorted(pids):
        with suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    inode = os.readlink(file).removeprefix("socket:[").removesuffix("]")
                    if inode in sockets:
                        found.setdefault(inode, (command.strip(), sockets[inode]))
    return list(found.values())


def _read_address(text: str) -> str:
    """An address as `/proc/net` has it: words of four bytes in the order of the machine."""
    words = [bytes.fromhex(text[i : i + 8]) for i in range(0, len(text), 8)]
    raw = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return str(ipaddress.ip_address(raw))


def check_listeners(cluster: "Cluster") -> list[tuple[str, str]]:
    """Check that nothing of a test listens beyond this machine; who listens on it."""
    found = list_listeners(cluster.find_processes())
    beyond = [one for one in found if not ipaddress.ip_address(one[1]).is_loopback]
    assert beyond == []
    return found


@dataclass
class Cluster:
    """A running SLURM.

    Attributes:
        folder: all its files.
        environment: what a process needs in order to use it.
        heads: processes in charge of campaigns, each of a session of its own.
    """

    folder: Path
    environment: dict[str, str]
    heads: list[subprocess.Popen] = field(default_factory=list)

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

    def end_heads(self) -> None:
        """End what a failed test has left, so that it submits no more to a SLURM of all tests."""
        left = [head for head in self.heads if head.poll() is None]
        self.heads.clear()
        for head in left:
            os.killpg(head.pid, signal.SIGKILL)
            head.wait()
        if left:
            self.ask("scontrol", "update", "PartitionName=short", "State=UP")
            self.ask("scancel", f"--user={getpass.getuser()}", check=False)
            self.wait_until_idle()

    def end_strays(self) -> None:
        """End what jobs have left: this SLURM has no control groups, and misses some processes."""
        mark = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        for file in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if int(file.parent.name) != os.getpid() and mark in file.read_bytes().split(b"\0"):
                    os.kill(int(file.parent.name), signal.SIGKILL)

    def lose_node(self, job: str) -> None:
        """Let the node go while a job runs: slurmd and all of the job are killed, then SLURM knows.

        It learns it from whoever looks after it; by itself it would wait for SlurmdTimeout, 5 min.
        The node is back as soon as slurmd is started again.
        """
        listed = self.ask("scontrol", "listpids", job).splitlines()[1:]
        pids = {int(line.split()[0]) for line in listed if line.split()[0].isdigit()}
        steps = {parent for pid in pids if (parent := _parent(pid)) and _is_step(parent)}
        node = int((self.folder / "slurmd.pid").read_text())
        for pid in (node, *steps, *find_descendants(pids)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.ask(
            *("scontrol", "update", f"NodeName={socket.gethostname()}"),
            *("State=DOWN", "Reason=test"),
        )

    def find_processes(self) -> set[int]:
        """All processes of this SLURM and of the test that uses it: daemons, jobs, clients."""
        mark = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        own = {os.getpid()}
        for file in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if mark in file.read_bytes().split(b"\0"):
                    own.add(int(file.parent.name))
        for name in ("munged", "slurmctld", "slurmd"):
            with suppress(OSError, ValueError):
                own.add(int((self.folder / f"{name}.pid").read_text()))
        return find_descendants(own)

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

"""Every metric of the service: one row each. Collectors, dashboards and alerts are made from these rows.

Names follow Prometheus: base units (seconds, bytes, ratio), counters end in `_total`,
nothing else does. Edges of histograms include the objectives, so that the share of
observations that met one is exact and not interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

CONTROL_TO_FRAME_OBJECTIVE_S = 0.21  # two chunks of 80 ms and 50 ms
TIME_TO_FIRST_FRAME_OBJECTIVE_S = 2.0
CONTROL_ACCEPTED_OBJECTIVE_S = 0.02

_CONTROL_TO_FRAME_EDGES_S = (0.04, 0.08, 0.12, 0.16, 0.18, CONTROL_TO_FRAME_OBJECTIVE_S, 0.25, 0.3, 0.4, 0.6, 1.0, 2.0)
_ACCEPTED_EDGES_S = (0.002, 0.005, 0.01, 0.015, CONTROL_ACCEPTED_OBJECTIVE_S, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0)
_FIRST_FRAME_EDGES_S = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, TIME_TO_FIRST_FRAME_OBJECTIVE_S, 3.0, 5.0, 10.0, 30.0)
# Stages take from 0.1 ms (sound) to a whole chunk; below 80 ms the steps are fine enough to see 20 % growth.
_STAGE_EDGES_S = (
    *(0.0002, 0.0005, 0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.01, 0.012, 0.015, 0.018, 0.022, 0.026),
    *(0.032, 0.038, 0.046, 0.055, 0.066, 0.08, 0.1, 0.12, 0.16, 0.24, 0.5, 1.0),
)
_SAVE_EDGES_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_WAIT_EDGES_S = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)
_BATCH_EDGES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


class MetricKind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One metric: what Prometheus calls a family."""

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if (self.kind is MetricKind.HISTOGRAM) != bool(self.buckets):
            raise ValueError(f"{self.name}: histograms have buckets, others have none")
        if list(self.buckets) != sorted(set(self.buckets)):
            raise ValueError(f"{self.name}: buckets must rise")


def _counter(name: str, help: str, *labels: str) -> MetricRow:
    return MetricRow(name=name, kind=MetricKind.COUNTER, help=help, labels=labels)


def _gauge(name: str, help: str, *labels: str) -> MetricRow:
    return MetricRow(name=name, kind=MetricKind.GAUGE, help=help, labels=labels)


def _histogram(name: str, help: str, buckets: tuple[float, ...], *labels: str) -> MetricRow:
    return MetricRow(name=name, kind=MetricKind.HISTOGRAM, help=help, labels=labels, buckets=buckets)


CONTROL_TO_FRAME = _histogram(
    "nacre_control_to_frame_seconds",
    "Control received at the gateway until the first frame that shows it left, seconds.",
    _CONTROL_TO_FRAME_EDGES_S,
    "tenant",
)
CONTROL_ACCEPTED = _histogram(
    "nacre_control_accepted_seconds",
    "Control received at the gateway until its acceptance, which is on record, left, seconds.",
    _ACCEPTED_EDGES_S,
    "tenant",
)
TIME_TO_FIRST_FRAME = _histogram(
    "nacre_time_to_first_frame_seconds",
    "CreateSession until the session's first frame left the gateway, seconds.",
    _FIRST_FRAME_EDGES_S,
    "tenant",
)
CHUNK_STAGE = _histogram(
    "nacre_chunk_stage_seconds",
    "Wall time one stage took for one chunk, seconds. Recorded where the chunk is delivered.",
    _STAGE_EDGES_S,
    "stage",
)
CHUNK_SLACK = _histogram(
    "nacre_chunk_slack_seconds",
    "How long a finished chunk waited at the gateway until it was due, seconds; 0 for one that came late.",
    _STAGE_EDGES_S,
)
CHUNKS_DELIVERED = _counter("nacre_chunks_delivered_total", "Chunks handed to the transport.", "tenant")
LATE_CHUNKS = _counter("nacre_late_chunks_total", "Chunks delivered after their deadline.", "tenant")
FRAMES_DELIVERED = _counter("nacre_frames_delivered_total", "Frames handed to the transport.", "tenant")
MEDIA_BYTES = _counter(
    "nacre_media_delivered_bytes_total", "Encoded picture and sound handed to the transport, bytes.", "tenant"
)
SESSIONS = _gauge("nacre_sessions", "Sessions that have not ended.", "tenant")
CLIENTS = _gauge("nacre_clients", "Clients attached to a session.", "tenant")
SESSIONS_ENDED = _counter("nacre_sessions_ended_total", "Sessions that ended, by reason.", "tenant", "reason")
CONTROLS = _counter(
    "nacre_controls_total",
    "Outcomes of controls: accepted, then one of applied, superseded or rejected.",
    "tenant",
    "outcome",
)
ERRORS = _counter(
    "nacre_errors_total", "Calls and controls that were refused or failed, by reason.", "tenant", "reason"
)
QUEUE_LENGTH = _gauge("nacre_queue_waiting_sessions", "Sessions and reservations that wait here for a place.", "tenant")
QUEUE_WAIT = _histogram(
    "nacre_queue_wait_seconds",
    "Time in the queue until there was a place, or until it was left without one, seconds.",
    _WAIT_EDGES_S,
    "tenant",
)
PLACES_ASKED = _counter(
    "nacre_queue_asked_total",
    "Places that were asked for: had at once, admitted after a wait, refused at once, given_up when the time was over, "
    "or left by whoever waited.",
    "tenant",
    "outcome",
)

SLOTS_USED = _gauge("nacre_slots_used", "Session slots of this worker that are taken.")
SLOTS_CAPACITY = _gauge("nacre_slots_capacity", "Session slots this worker has.")
STATE_BYTES = _gauge("nacre_session_state_bytes", "Memory that this worker's sessions hold in the transformer, bytes.")
PARKED = _gauge(
    "nacre_parked_sessions", "Sessions of this worker whose states lie with the host until they play again."
)
PARKED_BYTES = _gauge("nacre_parked_state_bytes", "Memory that those states hold, bytes.")
SESSION_WAKE = _histogram(
    "nacre_session_wake_seconds", "Time for which waking parked sessions kept the worker, seconds.", _SAVE_EDGES_S
)
PROFILE = _gauge("nacre_profile_workers", "Workers of this process, by the profile of their model.", "profile")
DEGRADATION = _gauge(
    "nacre_degraded_levels", "Levels that this worker has gone down its ladder; 0 takes nothing from its sessions."
)
DEGRADATIONS = _counter("nacre_degradations_total", "Times this worker went down its ladder by a level.")
WORKER_STAGE = _histogram(
    "nacre_worker_stage_seconds",
    "Wall time one call of a stage took in its worker, for all sessions of the batch, seconds.",
    _STAGE_EDGES_S,
    "stage",
)
WORKER_STAGE_CPU = _counter(
    "nacre_worker_stage_cpu_seconds_total",
    "Processor time that calls of a stage took on the thread that made them, seconds.",
    "stage",
)
STEP_BATCH = _histogram("nacre_step_batch_sessions", "Sessions that shared one transformer step.", _BATCH_EDGES)
STEP_LAG = _histogram(
    "nacre_step_lag_seconds", "How late a transformer step began against its plan, seconds.", _STAGE_EDGES_S
)
SESSION_SLIPS = _counter("nacre_session_slips_total", "Times a session was too far behind and lost world time.")
STAGE_FAILURES = _counter(
    "nacre_stage_failures_total", "Calls of a stage that raised and ended their sessions.", "stage"
)
WORKER_CONTROLS = _counter("nacre_worker_controls_total", "Controls settled in this worker, by outcome.", "outcome")
SNAPSHOT_SAVE = _histogram(
    "nacre_snapshot_save_seconds", "Time to store a session's snapshot beside its play, seconds.", _SAVE_EDGES_S
)
SNAPSHOT_FAILURES = _counter("nacre_snapshot_failures_total", "Snapshots that could not be stored.")
JOURNAL_SPOOLED = _gauge(
    "nacre_journal_spooled_records", "Records of journals that wait on this machine for the catalogue to come back."
)

BOOKS_AWAY = _gauge(
    "nacre_books_away_seconds", "For how long the catalogue has not taken usage and audit, seconds; 0 while it does."
)
BOOK_ENTRIES_UNWRITTEN = _gauge(
    "nacre_books_unwritten_records", "Entries of usage and audit books in memory alone, on their way."
)
BOOK_ENTRIES_LOST = _counter(
    "nacre_books_lost_records_total", "Entries of usage and audit books that neither the catalogue nor the disk took."
)

HEAP_IN_USE = _gauge("nacre_heap_in_use_bytes", "What the process holds of the C library's heap, bytes.")
HEAP_FREE = _gauge("nacre_heap_free_bytes", "What the C library's heap keeps for what comes next, bytes.")

GPU_UTILIZATION = _gauge("nacre_gpu_utilization_ratio", "Share of time the GPU computed, 0 to 1.", "gpu", "model")
GPU_MEMORY_USED = _gauge("nacre_gpu_memory_used_bytes", "GPU memory in use, bytes.", "gpu", "model")
GPU_MEMORY_CAPACITY = _gauge("nacre_gpu_memory_capacity_bytes", "GPU memory there is, bytes.", "gpu", "model")
GPU_POWER = _gauge("nacre_gpu_power_watts", "Power the GPU draws, watts.", "gpu", "model")
GPU_TEMPERATURE = _gauge("nacre_gpu_temperature_celsius", "Temperature of the GPU, degrees Celsius.", "gpu", "model")

GATEWAY_ROWS = (
    *(CONTROL_TO_FRAME, CONTROL_ACCEPTED, TIME_TO_FIRST_FRAME),
    *(CHUNK_STAGE, CHUNK_SLACK, CHUNKS_DELIVERED, LATE_CHUNKS),
    *(FRAMES_DELIVERED, MEDIA_BYTES, SESSIONS, CLIENTS, SESSIONS_ENDED, CONTROLS, ERRORS),
    *(QUEUE_LENGTH, QUEUE_WAIT, PLACES_ASKED),
    *(BOOKS_AWAY, BOOK_ENTRIES_UNWRITTEN, BOOK_ENTRIES_LOST),
)
WORKER_ROWS = (
    *(SLOTS_USED, SLOTS_CAPACITY, STATE_BYTES, WORKER_STAGE, WORKER_STAGE_CPU, STEP_BATCH, STEP_LAG),
    *(PARKED, PARKED_BYTES, SESSION_WAKE, PROFILE, DEGRADATION, DEGRADATIONS),
    *(SESSION_SLIPS, STAGE_FAILURES, WORKER_CONTROLS, SNAPSHOT_SAVE, SNAPSHOT_FAILURES, JOURNAL_SPOOLED),
)
HEAP_ROWS = (HEAP_IN_USE, HEAP_FREE)
GPU_ROWS = (GPU_UTILIZATION, GPU_MEMORY_USED, GPU_MEMORY_CAPACITY, GPU_POWER, GPU_TEMPERATURE)
TABLE = (*GATEWAY_ROWS, *WORKER_ROWS, *HEAP_ROWS, *GPU_ROWS)

/** Sessions that came from the same beginning, laid out as lanes over chunks. Pure. */

export interface BranchPoint {
  sessionId: string;
  /** Empty for the first. */
  parentSessionId: string;
  /** The first chunk that is its own. */
  parentChunkIndex: number;
  chunksGenerated: number;
  label: string;
  state: string;
}

export interface Lane {
  sessionId: string;
  /** 0 is the lowest, nearest to the film. */
  row: number;
  /** Where it left its parent, and the row there; the same row for the first. */
  fromChunk: number;
  parentRow: number;
  toChunk: number;
  /** How much of it is the past of the session that is played: up to this chunk, none where it is `fromChunk`. */
  livedTo: number;
  isCurrent: boolean;
  label: string;
  state: string;
}

export interface Layout {
  lanes: Lane[];
  numRows: number;
  /** Chunks from the beginning to the furthest end. */
  length: number;
}

/** The session that is played takes the lowest row; others rise above it, each above what it left. */
export function layOut(branches: readonly BranchPoint[], currentId: string, nowChunk: number): Layout {
  const byId = new Map(branches.map((branch) => [branch.sessionId, branch]));
  const order = [currentId, ...branches.map((branch) => branch.sessionId)].filter(
    (id, index, all) => byId.has(id) && all.indexOf(id) === index,
  );
  const rowOf = new Map(order.map((id, row) => [id, row]));
  const lived = livedSpans(byId, currentId, nowChunk);
  const lanes = order.map((id, row) => {
    const branch = byId.get(id) as BranchPoint;
    const fromChunk = branch.parentSessionId ? branch.parentChunkIndex : 0;
    const isCurrent = id === currentId;
    return {
      sessionId: id,
      row,
      fromChunk,
      parentRow: rowOf.get(branch.parentSessionId) ?? row,
      toChunk: Math.max(isCurrent ? nowChunk : branch.chunksGenerated, fromChunk),
      livedTo: Math.max(lived.get(id) ?? fromChunk, fromChunk),
      isCurrent,
      label: branch.label,
      state: branch.state,
    };
  });
  const length = Math.max(nowChunk, 1, ...lanes.map((lane) => lane.toChunk));
  return { lanes, numRows: lanes.length, length };
}

/** Up to which chunk each ancestor is the past of the session that is played. */
function livedSpans(byId: ReadonlyMap<string, BranchPoint>, currentId: string, nowChunk: number): Map<string, number> {
  const spans = new Map<string, number>();
  let upTo = nowChunk;
  for (let at = byId.get(currentId); at && !spans.has(at.sessionId); at = byId.get(at.parentSessionId)) {
    spans.set(at.sessionId, upTo);
    upTo = Math.min(upTo, at.parentChunkIndex);
  }
  return spans;
}

/** The chunk under a pointer: `share` of the width from the left, as far as the world has come. */
export function chunkAt(share: number, length: number, nowChunk: number): number {
  return Math.max(0, Math.min(nowChunk, Math.round(share * length)));
}

/** Who else may do what with a world. */

import type { Calls } from "./calls.js";
import { valueOf, wordOf } from "./enums.js";
import { RoleSchema } from "./nacre/v1/access_pb.js";
import { type Grant as GrantMessage, LibraryService } from "./nacre/v1/library_pb.js";
import type { Role } from "./records.js";

/** A line of a world's access list. */
export interface Grant {
  /** "viewer", "director", "player" or "owner". */
  role: Role;
  /** The world's own when left out. */
  tenantId?: string;
  /** One there, as in `Provenance.ownerId`; everybody, each up to their own role, when left out. */
  subjectId?: string;
}

/** @internal */
export async function worldAccess(calls: Calls, worldId: string): Promise<Grant[]> {
  return (await calls.call(LibraryService.method.getAccess, { worldId })).grants.map(toGrant);
}

/** @internal */
export async function setWorldAccess(calls: Calls, worldId: string, grants: readonly Grant[]): Promise<Grant[]> {
  const lines = grants.map(({ role, ...rest }) => ({ ...rest, role: valueOf(RoleSchema, role) }));
  return (await calls.call(LibraryService.method.setAccess, { worldId, grants: lines })).grants.map(toGrant);
}

function toGrant({ role, tenantId, subjectId }: GrantMessage): Grant {
  return { role: wordOf(RoleSchema, role) as Role, tenantId, subjectId };
}

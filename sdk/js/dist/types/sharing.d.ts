/** Who else may do what with a world. */
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

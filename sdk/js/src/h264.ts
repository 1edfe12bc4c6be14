/** What has to be known of an H.264 stream before it can be decoded. */

const NAL_SPS = 7;

/**
 * The name of the stream's profile and level, from the sequence parameter set that begins every keyframe (ITU-T H.264,
 * 7.3.2.1.1 and annex B; RFC 6381).
 */
export function h264Name(accessUnit: Uint8Array): string {
  for (let at = 0; at + 6 < accessUnit.length; at += 1) {
    const isStart = accessUnit[at] === 0 && accessUnit[at + 1] === 0 && accessUnit[at + 2] === 1;
    if (!isStart || (accessUnit[at + 3]! & 0x1f) !== NAL_SPS) continue;
    const profile = accessUnit.subarray(at + 4, at + 7);
    return `avc1.${Array.from(profile, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }
  return "avc1.42c01e";
}

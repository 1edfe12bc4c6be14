/** How large the world is drawn. Pure. */

export interface Box {
  width: number;
  height: number;
}

// Whole multiples keep every pixel the same size. They may cost this share of the room before they are given up:
// far enlarged, pixels of 9 and 10 look the same.
const MOST_ROOM_LOST = 0.1;

/** The picture's size in CSS pixels inside `room`, for a screen with `density` device pixels per CSS pixel. */
export function fit(picture: Box, room: Box, density: number): Box {
  const largest = Math.min((room.width * density) / picture.width, (room.height * density) / picture.height);
  if (!(largest > 0)) return { width: 0, height: 0 };
  const whole = Math.floor(largest);
  const scale = whole >= 1 && whole / largest >= 1 - MOST_ROOM_LOST ? whole : largest;
  return { width: (picture.width * scale) / density, height: (picture.height * scale) / density };
}

/** On what the page is looked at. */
export const SIZES = {
  360: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
  740: { viewport: { width: 740, height: 360 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
  1440: { viewport: { width: 1440, height: 900 } },
  3840: { viewport: { width: 3840, height: 2160 } },
};

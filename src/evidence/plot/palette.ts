/**
 * Colours that stay apart for colour-blind readers and on white as on black (Okabe and Ito, Color Universal Design, 2008);
 * vermilion is left to whoever deviates.
 */
export const REPLICA_COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#8d7b00', '#7f7f7f'] as const;
/** A deviating replica: always dashed as well, so that the colour is never the only sign. */
export const DEVIATING_COLOUR = '#d5410b';
/** Dashes of a deviating replica, px. */
export const DEVIATING_DASH = '7 4';

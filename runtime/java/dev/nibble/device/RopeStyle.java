package dev.nibble.device;

/** Which two values of a head rotary position embedding turns together (Su et al., 2021). */
public enum RopeStyle {
    /** Neighbours: (0, 1), (2, 3) … */
    INTERLEAVED,
    /** The same place in both halves of the rotated part: (0, d/2), (1, d/2 + 1) … */
    HALVES
}

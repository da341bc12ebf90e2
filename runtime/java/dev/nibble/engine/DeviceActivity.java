package dev.nibble.engine;

/**
 * What one of a model's devices did while something ran.
 *
 * @param device its name
 * @param stepSeconds that it worked on steps, by its own clock
 * @param exchangeSeconds between having something for another device, or waiting for that, and having what comes from there, by its own
 *     clock; 0 where devices add up on their own in their steps
 * @param copiedBytes that it took over from other devices
 * @param copySeconds that these copies take while nothing else runs, where devices take turns
 * @param reduceSeconds the same, where devices take over from each other what they add to the same layer
 */
public record DeviceActivity(
        String device,
        double stepSeconds,
        double exchangeSeconds,
        long copiedBytes,
        double copySeconds,
        double reduceSeconds) {}

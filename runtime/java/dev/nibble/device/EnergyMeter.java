package dev.nibble.device;

/** Tells what a device consumes: all of it, whoever uses it. */
public interface EnergyMeter extends AutoCloseable {
    /** Joules since some moment before the first call: differences count. NaN if the device tells no more. */
    double joules();

    /** Ends the measurement; closing again does nothing. */
    @Override
    void close();
}

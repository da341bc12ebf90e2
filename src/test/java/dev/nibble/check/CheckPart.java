package dev.nibble.check;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * One thing to check, in a process of its own, which writes JSON to its standard output. Its exit code says how it ended: 0 held,
 * {@value #UNAVAILABLE} or {@value #DOES_NOT_FIT} what it needs is not on this machine, any other it failed.
 *
 * @param name for people
 * @param needed whether it fails where it cannot run
 * @param budget after which it is stopped
 * @param environment variables beside those of this process
 * @param command the program and its arguments
 */
record CheckPart(String name, boolean needed, Duration budget, Map<String, String> environment, List<String> command) {
    static final int UNAVAILABLE = 4;
    static final int DOES_NOT_FIT = 5;

    CheckPart {
        environment = Map.copyOf(environment);
        command = List.copyOf(command);
    }
}

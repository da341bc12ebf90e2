package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The order in which resources are closed, and what becomes of failures. */
class ResourcesTest {
    private final List<Integer> closed = new ArrayList<>();
    private final Resources resources = new Resources();

    @Test
    void theLastIsClosedFirstAndEachOnce() {
        own(1, null);
        own(2, null);
        resources.close();
        resources.close();
        assertEquals(List.of(2, 1), closed);
    }

    @Test
    void failuresKeepNothingOpen() {
        RuntimeException one = new IllegalStateException("one");
        Error three = new AssertionError("three");
        own(1, one);
        own(2, null);
        own(3, three);
        assertSame(three, assertThrows(AssertionError.class, resources::close));
        assertEquals(List.of(3, 2, 1), closed);
        assertArrayEquals(new Throwable[] {one}, three.getSuppressed());
    }

    @Test
    void checkedFailuresAreWrapped() {
        IOException failure = new IOException("disk");
        own(1, failure);
        assertSame(
                failure,
                assertThrows(IllegalStateException.class, resources::close).getCause());
    }

    @Test
    void theCauseOfClosingStaysTheCause() {
        RuntimeException one = new IllegalStateException("one");
        own(1, one);
        RuntimeException cause = new RuntimeException("cause");
        resources.closeAfter(cause);
        assertArrayEquals(new Throwable[] {one}, cause.getSuppressed());
    }

    private void own(int number, Throwable failure) {
        resources.own(() -> {
            closed.add(number);
            switch (failure) {
                case null -> {}
                case Exception e -> throw e;
                case Error e -> throw e;
                default -> throw new IllegalArgumentException(failure);
            }
        });
    }
}

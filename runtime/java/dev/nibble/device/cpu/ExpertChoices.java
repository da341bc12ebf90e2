package dev.nibble.device.cpu;

import java.util.Arrays;

/**
 * Which rows chose which expert. A row's choice c is row {@code row × used + c} of inputs and outputs, for inputs that are the same
 * for all experts row {@code row}.
 */
final class ExpertChoices {
    private final CpuBuffer ids;
    private final int experts;
    private final boolean shared;

    /** The choices by expert: those of expert e lie from {@code firstChoice[e]} on. */
    private final int[] firstChoice;

    private int[] sorted = new int[0];

    /**
     * Choices not read yet.
     *
     * @param ids I32 (n, used)
     * @param shared whether all experts of a row have the same input
     */
    ExpertChoices(CpuBuffer ids, int experts, boolean shared) {
        this.ids = ids;
        this.experts = experts;
        this.shared = shared;
        this.firstChoice = new int[experts + 1];
    }

    /** The number of experts. */
    int experts() {
        return experts;
    }

    /** Reads the choices of rows. */
    void sort(int rows) {
        int choices = rows * ids.width();
        Arrays.fill(firstChoice, 0);
        for (int choice = 0; choice < choices; choice++) {
            firstChoice[expert(choice) + 1]++;
        }
        Arrays.parallelPrefix(firstChoice, Integer::sum);
        sorted = new int[choices];
        int[] next = firstChoice.clone();
        for (int choice = 0; choice < choices; choice++) {
            sorted[next[expert(choice)]++] = choice;
        }
    }

    /** The rows that chose an expert. */
    RowSelection of(int expert) {
        int[] chosen = Arrays.copyOfRange(sorted, firstChoice[expert], firstChoice[expert + 1]);
        int[] rows = shared
                ? Arrays.stream(chosen).map(choice -> choice / ids.width()).toArray()
                : chosen;
        return new RowSelection(chosen.length, rows, chosen);
    }

    private int expert(int choice) {
        int expert = ids.integer(choice);
        if (expert < 0 || expert >= experts) {
            throw new IndexOutOfBoundsException("expert " + expert + " of " + experts);
        }
        return expert;
    }
}

package dev.nibble.device.reference;

import dev.nibble.device.Buffer;
import dev.nibble.device.DeviceException;
import dev.nibble.device.KvPages;
import dev.nibble.device.Operation;

/** The live rows of an operation that runs, and what it reads about them from buffers, checked. */
record Rows(String operation, int count) {
    static Rows of(Operation operation) {
        String type = operation.getClass().getSimpleName();
        String name = Character.toLowerCase(type.charAt(0)) + type.substring(1);
        Rows rows = new Rows(name, ReferenceBuffer.ints(operation.rows().live())[0]);
        int limit = operation.rows().limit();
        if (rows.count < 0 || rows.count > limit) {
            throw new DeviceException(
                    rows.operation + ": " + rows.count + " live rows; the step was made for 0 to " + limit);
        }
        return rows;
    }

    /** An error in one row. */
    DeviceException wrong(int row, String what) {
        return new DeviceException(operation + ", row " + row + " of " + count + ": " + what);
    }

    /** Element {@code element} of an index buffer, which must be one of 0 … {@code limit} − 1. */
    int index(int row, Buffer buffer, int element, String what, long limit) {
        int index = ReferenceBuffer.ints(buffer)[element];
        if (index < 0 || index >= limit) {
            throw wrong(row, what + " " + index + " is not within 0 … " + (limit - 1));
        }
        return index;
    }

    /** The position of a row, for operations that know no end of the sequence. */
    int position(int row, Buffer positions) {
        return index(row, positions, row, "position", Integer.MAX_VALUE);
    }

    /** Where the cached tokens of a row's sequence lie. */
    Pages pages(int row, Buffer positions, Buffer slots, Buffer pageTable, KvPages cache) {
        int slot = index(row, slots, row, "slot", pageTable.rows());
        int pageTokens = cache.layout().pageTokens();
        int position = index(row, positions, row, "position", (long) pageTable.width() * pageTokens);
        return new Pages(this, row, position, slot, pageTable, (ReferenceKvPages) cache);
    }

    /** The cached tokens of the sequence of one row, which stands at {@code position}. */
    record Pages(Rows rows, int row, int position, int slot, Buffer pageTable, ReferenceKvPages cache) {
        /** The page of the token at a position. */
        int page(int position) {
            int entry = slot * pageTable.width() + position / cache.layout().pageTokens();
            return rows.index(
                    row, pageTable, entry, "position " + position + " of slot " + slot + ": page", cache.pages());
        }

        /** The place in its page of the token at a position. */
        int token(int position) {
            return position % cache.layout().pageTokens();
        }
    }
}

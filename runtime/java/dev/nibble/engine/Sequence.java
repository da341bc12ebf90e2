package dev.nibble.engine;

import java.util.Arrays;

/**
 * A sequence of tokens and what the cache holds of it. Tokens from {@code computed} on are still to be run through the model,
 * at the latest before those that are appended next.
 * Guarded by the scheduler's lock.
 */
public final class Sequence {
    static final int NO_SLOT = -1;

    /** Stands for no token. */
    static final int NONE = -1;

    final SequenceListener listener;
    private int[] tokens = new int[64];
    private int length;
    private int outputsFrom = Integer.MAX_VALUE;
    private int computed;
    private int reused;
    private int slot = NO_SLOT;
    private int[] pages = new int[8];
    private int pageCount;
    private int knownPages;
    private long prefix = PagePool.ROOT;
    private boolean ended;
    private boolean running;
    private int ahead = NONE;
    private boolean resting = true;

    Sequence(SequenceListener listener) {
        this.listener = listener;
    }

    int length() {
        return length;
    }

    int computed() {
        return computed;
    }

    /** The tokens to run now: none while the sequence rests, even if the cache has lost some of it. */
    int pending() {
        return resting ? 0 : length - computed;
    }

    /** All that was wanted was given: nothing is to be computed until tokens are appended. */
    void rest() {
        resting = true;
    }

    int token(int position) {
        return tokens[position];
    }

    /** Tokens that were found in the cache when the sequence was first run. */
    int reused() {
        return reused;
    }

    int slot() {
        return slot;
    }

    boolean hasSlot() {
        return slot != NO_SLOT;
    }

    boolean ended() {
        return ended;
    }

    void end() {
        ended = true;
    }

    /** Whether the step that runs now works on it. */
    boolean running() {
        return running;
    }

    void running(boolean now) {
        running = now;
    }

    /** The token that the step which runs now has of it, if the device chose it; {@link #NONE} if it came from here. */
    void ranAheadWith(int token) {
        ahead = token;
    }

    /** Whether the step that runs now has another token than the sequence went on with. */
    boolean wentAnotherWay() {
        return ahead != NONE && (pending() == 0 || tokens[computed] != ahead);
    }

    /** Whether the logits of a position are wanted: those of the last always are. */
    boolean givesOutput(int position) {
        return position >= outputsFrom || position + 1 == length;
    }

    /** From now on, the logits of every token appended are wanted, or only those of the last. */
    void wantEveryOutput(boolean every) {
        outputsFrom = every ? length : Integer.MAX_VALUE;
    }

    void append(int... more) {
        if (length + more.length > tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.max(2 * tokens.length, length + more.length));
        }
        System.arraycopy(more, 0, tokens, length, more.length);
        length += more.length;
        resting = false;
    }

    void advance(int count) {
        computed += count;
    }

    int pageCount() {
        return pageCount;
    }

    /** Gives the sequence a slot, and as many full pages of known tokens as the cache still has; false if no slot is free. */
    boolean enter(KvCache cache) {
        slot = cache.takeSlot();
        if (slot == NO_SLOT) {
            return false;
        }
        int pageTokens = cache.pageTokens();
        while (computed + pageTokens < length && computed + pageTokens <= outputsFrom) {
            int page = cache.pool().find(prefix, Arrays.copyOfRange(tokens, computed, computed + pageTokens));
            if (page == PagePool.NONE) {
                break;
            }
            addPage(page, cache);
            prefix = cache.pool().prefixOf(page);
            knownPages++;
            computed += pageTokens;
        }
        reused = Math.max(reused, computed);
        return true;
    }

    /** Takes one more page; false if the pool has none. */
    boolean grow(KvCache cache) {
        int page = cache.pool().allocate();
        if (page == PagePool.NONE) {
            return false;
        }
        addPage(page, cache);
        return true;
    }

    /** Makes pages that have become full known to the pool. */
    void publishFullPages(KvCache cache) {
        int pageTokens = cache.pageTokens();
        while ((knownPages + 1) * pageTokens <= computed) {
            int from = knownPages * pageTokens;
            prefix = cache.pool()
                    .register(pages[knownPages], prefix, Arrays.copyOfRange(tokens, from, from + pageTokens));
            knownPages++;
        }
    }

    /** Gives slot and pages back; what was computed counts as not computed. The last pages are forgotten first. */
    void leave(KvCache cache) {
        releasePages(0, cache);
        if (slot != NO_SLOT) {
            cache.giveSlotBack(slot);
        }
        slot = NO_SLOT;
        computed = 0;
        knownPages = 0;
        prefix = PagePool.ROOT;
    }

    /** Forgets the tokens from {@code newLength} on. A page that others may share is never written again. */
    void truncate(int newLength, KvCache cache) {
        int pageTokens = cache.pageTokens();
        if (newLength < knownPages * pageTokens) {
            leave(cache);
        } else {
            releasePages((newLength + pageTokens - 1) / pageTokens, cache);
            computed = Math.min(computed, newLength);
        }
        length = newLength;
    }

    private void releasePages(int keep, KvCache cache) {
        while (pageCount > keep) {
            cache.pool().release(pages[--pageCount]);
        }
    }

    private void addPage(int page, KvCache cache) {
        if (pageCount == pages.length) {
            pages = Arrays.copyOf(pages, 2 * pageCount);
        }
        pages[pageCount] = page;
        cache.setPage(slot, pageCount++, page);
    }
}

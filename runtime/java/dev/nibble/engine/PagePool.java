package dev.nibble.engine;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;

/**
 * Which pages of the KV cache are free, in use, or kept for a prompt that begins with the same tokens. A full page is known by
 * its tokens and by the page before it; when nobody uses it any more it stays until its memory is needed, the longest unused
 * first (after Kwon et al., 2023).
 */
final class PagePool {
    /** Stands for no page. */
    static final int NONE = -1;

    /** The prefix of a sequence's first page. */
    static final long ROOT = 0;

    private final int[] users;
    private final Prefix[] prefixes;
    private final int[] free;
    private int freeCount;
    private final Map<Prefix, Integer> known = new HashMap<>();
    private final LinkedHashSet<Integer> unused = new LinkedHashSet<>();
    private long lastId = ROOT;

    PagePool(int pages) {
        users = new int[pages];
        prefixes = new Prefix[pages];
        free = new int[pages];
        for (int page = pages - 1; page >= 0; page--) {
            free[freeCount++] = page;
        }
    }

    /** Takes a page for one user: a free one, or else the one kept unused for longest; {@link #NONE} if all are in use. */
    int allocate() {
        int page = NONE;
        if (freeCount > 0) {
            page = free[--freeCount];
        } else if (!unused.isEmpty()) {
            page = unused.removeFirst();
            known.remove(prefixes[page]);
            prefixes[page] = null;
        }
        if (page != NONE) {
            users[page] = 1;
        }
        return page;
    }

    /** One user gives a page back. */
    void release(int page) {
        if (--users[page] > 0) {
            return;
        }
        if (prefixes[page] == null) {
            free[freeCount++] = page;
        } else {
            unused.add(page);
        }
    }

    /** Takes the page that holds these tokens after that prefix for one more user; {@link #NONE} if there is none. */
    int find(long parent, int[] tokens) {
        Integer page = known.get(new Prefix(parent, tokens, 0));
        if (page == null) {
            return NONE;
        }
        if (users[page]++ == 0) {
            unused.remove(page);
        }
        return page;
    }

    /** The prefix that ends with a page that {@link #find} gave. */
    long prefixOf(int page) {
        return prefixes[page].id;
    }

    /** Makes a full page known; returns the prefix that ends with it, which another page with the same content may hold. */
    long register(int page, long parent, int[] tokens) {
        Prefix prefix = new Prefix(parent, tokens, lastId + 1);
        Integer other = known.putIfAbsent(prefix, page);
        if (other != null) {
            return prefixes[other].id;
        }
        lastId++;
        prefixes[page] = prefix;
        return prefix.id;
    }

    /** Pages that {@link #allocate} can still give. */
    int available() {
        return freeCount + unused.size();
    }

    /** Tokens after a prefix; equal if those are, whatever the number given to it. */
    private static final class Prefix {
        private final long parent;
        private final int[] tokens;
        private final long id;

        Prefix(long parent, int[] tokens, long id) {
            this.parent = parent;
            this.tokens = tokens;
            this.id = id;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Prefix that && parent == that.parent && Arrays.equals(tokens, that.tokens);
        }

        @Override
        public int hashCode() {
            return 31 * Long.hashCode(parent) + Arrays.hashCode(tokens);
        }
    }
}

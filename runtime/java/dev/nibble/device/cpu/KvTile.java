package dev.nibble.device.cpu;

/** The groups of a sequence's tokens that are worked on together, and where the cache holds them. */
final class KvTile {
    private static final int MOST = AttentionWorkspace.TILE / CpuKvPages.LEAST_GROUP;

    private final int[] numbers = new int[MOST];
    private final int[] firstTokens = new int[MOST];
    private final int[] tokens = new int[MOST];
    private int first;
    private int count;

    /**
     * Takes the groups {@code begin ≤ group < end}, counted through the pages of a slot.
     *
     * @param seen the first group that is read: the pages before may be gone
     */
    void locate(CpuKvPages cache, CpuBuffer pageTable, int slot, int begin, int end, int seen) {
        int pageTokens = cache.layout().pageTokens();
        int page = begin / cache.groupsPerPage();
        int inPage = begin % cache.groupsPerPage();
        first = Math.max(0, seen - begin);
        count = end - begin;
        for (int group = 0; group < count; group++) {
            int token = inPage * cache.group();
            firstTokens[group] = page * pageTokens + token;
            tokens[group] = Math.min(cache.group(), pageTokens - token);
            if (group >= first) {
                numbers[group] = cache.groupNumber(pageTable.integer((long) slot * pageTable.width() + page), inPage);
            }
            inPage++;
            if (inPage == cache.groupsPerPage()) {
                inPage = 0;
                page++;
            }
        }
    }

    /** The first group that is read. */
    int first() {
        return first;
    }

    /** Groups, those before {@link #first} among them. */
    int count() {
        return count;
    }

    /** The number of a group that is read among all groups of a head. */
    int number(int group) {
        return numbers[group];
    }

    int firstToken(int group) {
        return firstTokens[group];
    }

    /** Tokens that the group has room for. */
    int tokens(int group) {
        return tokens[group];
    }
}

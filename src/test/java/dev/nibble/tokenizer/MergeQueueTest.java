package dev.nibble.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MergeQueueTest {
    private static final int FIRST_TOKENS = 4;

    /** Merges of random pairs; the token of merge r is FIRST_TOKENS + r. */
    private static List<int[]> randomMerges(Random random, int count) {
        List<int[]> merges = new ArrayList<>();
        for (int rank = 0; rank < count; rank++) {
            int tokens = FIRST_TOKENS + rank;
            merges.add(new int[] {random.nextInt(tokens), random.nextInt(tokens)});
        }
        return merges;
    }

    @Test
    void mergesAsTheTextbookDoes() {
        Random random = new Random(1);
        for (int round = 0; round < 2000; round++) {
            List<int[]> merges = randomMerges(random, 1 + random.nextInt(30));
            int[] word = random.ints(random.nextInt(200), 0, FIRST_TOKENS).toArray();
            assertEquals(textbook(merges, word), merged(merges, word), "round " + round);
        }
    }

    private static List<Integer> merged(List<int[]> merges, int[] word) {
        MergeTable table = new MergeTable(merges.size());
        for (int rank = 0; rank < merges.size(); rank++) {
            table.add(merges.get(rank)[0], merges.get(rank)[1], rank, FIRST_TOKENS + rank);
        }
        MergeQueue queue = new MergeQueue();
        queue.begin(word.length);
        for (int i = 0; i < word.length; i++) {
            queue.add(i, word[i]);
        }
        queue.merge((symbols, left, right) -> table.find(symbols.id(left), symbols.id(right)));
        List<Integer> ids = new ArrayList<>();
        int end = 0;
        for (int symbol = 0; word.length > 0 && symbol >= 0; symbol = queue.next(symbol)) {
            assertEquals(end, queue.start(symbol));
            end = queue.end(symbol);
            ids.add(queue.id(symbol));
        }
        assertEquals(word.length, end);
        return ids;
    }

    /** Looks at all pairs for the best one, again and again. */
    private static List<Integer> textbook(List<int[]> merges, int[] word) {
        Map<List<Integer>, Integer> ranks = new HashMap<>();
        for (int rank = 0; rank < merges.size(); rank++) {
            ranks.putIfAbsent(List.of(merges.get(rank)[0], merges.get(rank)[1]), rank);
        }
        List<Integer> ids = new ArrayList<>();
        for (int id : word) {
            ids.add(id);
        }
        while (true) {
            int best = Integer.MAX_VALUE;
            int place = -1;
            for (int i = 0; i + 1 < ids.size(); i++) {
                int rank = ranks.getOrDefault(ids.subList(i, i + 2), Integer.MAX_VALUE);
                if (rank < best) {
                    best = rank;
                    place = i;
                }
            }
            if (place < 0) {
                return ids;
            }
            ids.set(place, FIRST_TOKENS + best);
            ids.remove(place + 1);
        }
    }
}

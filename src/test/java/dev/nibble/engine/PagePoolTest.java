package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.Test;

class PagePoolTest {
    private static final int[] TOKENS = {1, 2, 3};

    @Test
    void givesEachPageOnceAndThenNone() {
        PagePool pool = new PagePool(3);
        assertEquals(0, pool.allocate());
        assertEquals(1, pool.allocate());
        assertEquals(2, pool.allocate());
        assertEquals(PagePool.NONE, pool.allocate());
        pool.release(1);
        assertEquals(1, pool.allocate());
    }

    @Test
    void findsAPageOnlyAfterTheSamePrefix() {
        PagePool pool = new PagePool(2);
        int first = pool.allocate();
        long prefix = pool.register(first, PagePool.ROOT, TOKENS);
        int second = pool.allocate();
        pool.register(second, prefix, TOKENS);
        assertEquals(first, pool.find(PagePool.ROOT, TOKENS.clone()));
        assertEquals(second, pool.find(prefix, TOKENS.clone()));
        assertEquals(prefix, pool.prefixOf(first));
        assertEquals(PagePool.NONE, pool.find(PagePool.ROOT, new int[] {1, 2, 4}));
        assertEquals(PagePool.NONE, pool.find(prefix + 7, TOKENS));
    }

    @Test
    void keepsAnUnusedPageUntilItsMemoryIsNeeded() {
        PagePool pool = new PagePool(2);
        int known = pool.allocate();
        pool.register(known, PagePool.ROOT, TOKENS);
        pool.release(known);
        assertEquals(2, pool.available());
        assertNotEquals(known, pool.allocate(), "a free page goes first");
        assertEquals(known, pool.find(PagePool.ROOT, TOKENS));
        assertEquals(PagePool.NONE, pool.allocate(), "the known page is in use again");
        pool.release(known);
        assertEquals(known, pool.allocate());
        assertEquals(PagePool.NONE, pool.find(PagePool.ROOT, TOKENS), "its content is gone");
    }

    @Test
    void forgetsThePageThatWasUnusedForLongest() {
        PagePool pool = new PagePool(2);
        int[] other = {7, 8, 9};
        int first = pool.allocate();
        int second = pool.allocate();
        pool.register(first, PagePool.ROOT, TOKENS);
        pool.register(second, PagePool.ROOT, other);
        pool.release(second);
        pool.release(first);
        assertEquals(second, pool.allocate());
        assertEquals(first, pool.find(PagePool.ROOT, TOKENS));
    }

    @Test
    void twoPagesWithTheSameContentShareAPrefix() {
        PagePool pool = new PagePool(2);
        int first = pool.allocate();
        int second = pool.allocate();
        long prefix = pool.register(first, PagePool.ROOT, TOKENS);
        assertEquals(prefix, pool.register(second, PagePool.ROOT, TOKENS));
        pool.release(second);
        assertEquals(second, pool.allocate(), "the copy is free at once");
    }

    @Test
    void aSharedPageIsInUseUntilItsLastUserGivesItBack() {
        PagePool pool = new PagePool(1);
        int page = pool.allocate();
        pool.register(page, PagePool.ROOT, TOKENS);
        pool.find(PagePool.ROOT, TOKENS);
        pool.release(page);
        assertEquals(PagePool.NONE, pool.allocate());
        pool.release(page);
        assertEquals(page, pool.allocate());
    }
}

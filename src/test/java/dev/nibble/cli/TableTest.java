package dev.nibble.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

/** Tables, byte counts and escapes. */
final class TableTest {
    private static Table table() {
        Table table = new Table("name", ">size");
        table.row("a, b", "1");
        table.row("c", "200000");
        return table;
    }

    @Test
    void columnsLineUp() {
        assertEquals("name    size\na, b       1\nc     200000\n", table().text());
    }

    @Test
    void markdownAndCsvHoldTheSameCells() {
        assertEquals("| name | size |\n|---|---:|\n| a, b | 1 |\n| c | 200000 |\n", table().markdown());
        assertEquals("name,size\n\"a, b\",1\nc,200000\n", table().csv());
    }

    @Test
    void rowsMustFit() {
        assertThrows(IllegalArgumentException.class, () -> table().row("one"));
    }

    @Test
    void bytesAreShort() {
        assertEquals("0 B", Bytes.text(0));
        assertEquals("1023 B", Bytes.text(1023));
        assertEquals("1.00 KiB", Bytes.text(1024));
        assertEquals("700.0 MiB", Bytes.text(700L << 20));
        assertEquals("2048.0 TiB", Bytes.text(2048L << 40));
    }

    @Test
    void controlCharactersAreShownNotObeyed() {
        assertEquals("a\\nb\\t\\u001b[31mé", Escapes.visible("a\nb\t\u001b[31mé"));
    }
}

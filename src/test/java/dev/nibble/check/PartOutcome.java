package dev.nibble.check;

import dev.nibble.cli.Json;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * How a part of the check ended.
 *
 * @param part what was run
 * @param end how it ended
 * @param seconds it took
 * @param remark the last line of what it said
 * @param result what it wrote; null in JSON if that is nothing, or not whole
 */
record PartOutcome(CheckPart part, End end, double seconds, String remark, JsonNode result) {
    /** The ways to end. */
    enum End {
        HELD,
        FAILED,
        OUT_OF_TIME,
        LEFT_OUT;

        String id() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    /** Whether nothing is wrong. */
    boolean isGood() {
        return end == End.HELD || end != End.FAILED && !part.needed();
    }

    Map<String, Object> json() {
        return Json.object(
                "part",
                part.name(),
                "end",
                end.id(),
                "seconds",
                seconds,
                "remark",
                remark,
                "command",
                String.join(" ", part.command()),
                "result",
                result);
    }
}

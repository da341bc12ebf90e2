package dev.nibble.cli;

import static dev.nibble.cli.CommandLineHarness.nibble;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.cli.CommandLineHarness.Result;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code nibble devices}. */
final class DevicesCommandTest {
    @Test
    void everyKindIsListedWithWhatItIsOrWhyNot() {
        Result text = nibble("devices");
        assertEquals(0, text.status(), text.err());
        JsonNode json = new JsonMapper().readTree(nibble("devices", "--json").out());
        assertTrue(json.get("devices").size() >= 2, json.toString());
        for (JsonNode device : json.get("devices")) {
            assertTrue(text.out().contains(device.get("name").asString()), text.out());
            String detail = device.get("available").asBoolean() ? "description" : "reason";
            assertTrue(device.get(detail).asString().length() > 5, device.toString());
        }
        assertEquals("cpu", json.get("devices").get(0).get("name").asString());
        assertEquals(
                "[\"block-int8\",\"fixed-point\"]",
                json.at("/devices/0/arithmetics").toString());
        assertTrue(text.out().contains("block-int8, exact, fixed-point"), text.out());
        assertEquals("[\"f32\",\"f16\",\"q8_0\",\"q4_0\"]", json.get("kv_types").toString());
    }
}

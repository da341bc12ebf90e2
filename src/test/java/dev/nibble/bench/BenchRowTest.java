package dev.nibble.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.DeviceShare;
import dev.nibble.DeviceTime;
import dev.nibble.ModelInfo;
import java.io.StringReader;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The arithmetic and the reports of the benchmark, on numbers that are easy to follow. */
final class BenchRowTest {
    private static final double EXACT = 1e-12;

    static ModelInfo model(String name) {
        return model(name, "cpu", "a processor");
    }

    private static ModelInfo model(String name, String device, String description) {
        return new ModelInfo(
                name,
                "llama",
                "q4_0",
                1000,
                600,
                600,
                32,
                4096,
                4096,
                8192,
                512,
                device,
                description,
                2,
                "little",
                2_000_000_000L,
                1_000_000,
                3_000_000,
                500_000_000);
    }

    /** 4, 6 and 8 tokens per second of 2 GB each, on a device that reads 24 GB/s. */
    private static BenchRow generation() {
        return new BenchRow(
                new BenchTest(BenchTest.Kind.GENERATION, 1, 0),
                model("<model> & \"quotes\""),
                new BenchRow.Samples(List.of(4.0, 6.0, 8.0)),
                new BenchRow.Samples(List.of(23e9, 25e9)),
                Double.NaN,
                List.of());
    }

    private static BenchRow prompt() {
        return new BenchRow(
                new BenchTest(BenchTest.Kind.PROMPT, 1024, 0),
                model("m"),
                new BenchRow.Samples(List.of(100.0)),
                new BenchRow.Samples(List.of(200e9)),
                Double.NaN,
                List.of());
    }

    @Test
    void simulatedDevicesAreNamedSo() {
        BenchRow row = new BenchRow(
                new BenchTest(BenchTest.Kind.GENERATION, 1, 0),
                model("m", "cuda:0", "a simulated GPU"),
                new BenchRow.Samples(List.of(4.0)),
                new BenchRow.Samples(List.of(23e9)),
                Double.NaN,
                List.of());
        assertTrue(BenchReport.json(List.of(row)).contains("\"cuda:0 (simulated)\""));
        assertTrue(BenchReport.table(List.of(row)).text().contains("cuda:0 (simulated)"));
        assertTrue(BenchReport.json(List.of(generation())).contains("\"cpu\""));
    }

    @Test
    void generationIsJudgedByMemory() {
        BenchRow row = generation();
        assertEquals("tg1", row.test().name());
        assertEquals(6, row.speed().mean());
        assertEquals(2, row.speed().deviation());
        assertEquals(2_001_000_000, row.bytesPerToken(), EXACT);
        assertEquals(12.006, row.gigabytesPerSecond(), EXACT);
        assertEquals(24, row.limitRate(), EXACT);
        assertEquals(12.006 / 24, row.shareOfRoofline(), EXACT);
    }

    @Test
    void theCacheThatIsReadGrowsWithTheDepth() {
        BenchTest deep = new BenchTest(BenchTest.Kind.GENERATION, 100, 4000);
        BenchRow row = new BenchRow(
                deep, model("m"), generation().speed(), generation().limit(), Double.NaN, List.of());
        assertEquals("tg100@d4000", deep.name());
        // Token i of 1 … 100 reads 4000 + i entries: 4050.5 on average.
        assertEquals(2_000_000_000 + 4050.5 * 1_000_000, row.bytesPerToken(), EXACT);
    }

    @Test
    void promptsAreJudgedByProducts() {
        BenchRow row = prompt();
        assertEquals(0, row.speed().deviation());
        assertEquals(100, row.gigaflopsPerSecond(), EXACT);
        assertEquals(400, row.limitRate(), EXACT);
        assertEquals(0.25, row.shareOfRoofline(), EXACT);
        // Two steps of 512 tokens read all weights twice.
        assertEquals(2 * 2_000_000_000.0 / 1024, row.bytesPerToken(), EXACT);
    }

    @Test
    void programsGetTheNumbers() {
        JsonNode json = new JsonMapper()
                .readTree(BenchReport.json(List.of(generation(), prompt())))
                .get(0);
        assertEquals("tg1", json.get("test").asString());
        assertEquals("q4_0", json.get("type").asString());
        assertEquals("cpu", json.get("device").asString());
        assertEquals(2, json.get("threads").asInt());
        assertEquals(6, json.get("tokens_per_second").get("mean").asDouble());
        assertEquals(2, json.get("tokens_per_second").get("stddev").asDouble());
        assertEquals(3, json.get("tokens_per_second").get("samples").size());
        assertEquals(2_001_000_000.0, json.get("bytes_per_token").asDouble(), EXACT);
        assertEquals(12.006, json.get("gigabytes_per_second").asDouble(), EXACT);
        assertEquals(12.006 / 24, json.get("share_of_roofline").asDouble(), EXACT);
    }

    /** What was not measured is not there, rather than zero. */
    @Test
    void energyStandsWhereItWasMeasured() {
        BenchRow row = generation();
        BenchRow measured = new BenchRow(row.test(), row.model(), row.speed(), row.limit(), 0.125, List.of());
        JsonNode json = new JsonMapper().readTree(BenchReport.json(List.of(row, measured)));
        assertTrue(!json.get(0).has("joules_per_token"));
        assertEquals(0.125, json.get(1).get("joules_per_token").asDouble());
        assertTrue(!BenchReport.table(List.of(row)).csv().contains("J/token"));
        List<String> lines =
                BenchReport.table(List.of(row, measured)).csv().lines().toList();
        assertTrue(lines.get(0).endsWith(",J/token"), lines.get(0));
        assertTrue(lines.get(1).endsWith(",-"), lines.get(1));
        assertTrue(lines.get(2).endsWith(",0.125"), lines.get(2));
    }

    /** 10 tokens in 2 s: the device works 0.5 s on them and exchanges for 0.2 s. */
    private static PartRow part(BenchTest.Kind kind, int steps) {
        return new PartRow(
                new BenchTest(kind, 10, 0),
                new DeviceShare("cuda:1", 1_000_000_000, 1_000_000, 300_000_000),
                new DeviceTime("cuda:1", 0.5, 0.2, 81_920, 150e-6, 2e-3),
                2,
                steps,
                new KernelRow.Limits(40e9, 12e9));
    }

    @Test
    void whatADeviceDidIsJudgedByTheTimeInWhichItWasBusy() {
        PartRow token = part(BenchTest.Kind.GENERATION, 10);
        assertEquals(0.25, token.busyShare(), EXACT);
        assertEquals(0.1, token.exchangeShare(), EXACT);
        assertEquals(1_005_500_000.0, token.bytesPerToken(), EXACT);
        assertEquals(20.11, token.rate(), EXACT);
        assertEquals(20.11 / 40, token.shareOfRoofline(), EXACT);
        assertEquals(8192, token.copiedBytesPerToken(), EXACT);
        assertEquals(15, token.copyMicroseconds(), EXACT);
        assertEquals(200, token.reduceMicroseconds(), EXACT);
        PartRow prompt = part(BenchTest.Kind.PROMPT, 2);
        assertEquals(200_000_000, prompt.bytesPerToken(), EXACT);
        assertEquals(12, prompt.rate(), EXACT);
        assertEquals(0.5, prompt.shareOfRoofline(), EXACT);
    }

    @Test
    void severalDevicesHaveRowsOfTheirOwn() {
        BenchRow row = new BenchRow(
                generation().test(),
                model("m", "cuda:0,cuda:1", "two"),
                generation().speed(),
                generation().limit(),
                1.5,
                List.of(part(BenchTest.Kind.GENERATION, 10), part(BenchTest.Kind.GENERATION, 10)));
        List<String> lines =
                BenchReport.table(List.of(generation(), row)).csv().lines().toList();
        assertEquals(5, lines.size());
        assertTrue(
                lines.getFirst().endsWith("share,busy,exchange,kB copied,us copy,us all-reduce,J/token"),
                lines.getFirst());
        assertTrue(lines.get(2).endsWith(",0.500,-,-,-,-,-,1.500"), lines.get(2));
        assertEquals(
                "m,q4_0,cuda:1,2,tg1,-,-,1005.50,20.11,GB/s,40.00,0.503,0.250,0.100,8.19,15.0,200.0,-", lines.get(3));
        JsonNode device = new JsonMapper()
                .readTree(BenchReport.json(List.of(generation(), row)))
                .get(1)
                .at("/devices/1");
        assertEquals("cuda:1", device.get("device").asString());
        assertEquals(0.25, device.get("busy_share").asDouble(), EXACT);
        assertEquals(8192, device.get("copied_bytes_per_token").asDouble(), EXACT);
        assertEquals(15, device.get("copy_microseconds_per_token").asDouble(), EXACT);
        assertEquals(200, device.get("all_reduce_microseconds_per_token").asDouble(), EXACT);
        assertEquals(20.11 / 40, device.get("share_of_roofline_while_busy").asDouble(), EXACT);
    }

    @Test
    void aDeviceWithoutLimitsHasNoShare() {
        BenchRow row = new BenchRow(
                generation().test(),
                model("m"),
                generation().speed(),
                new BenchRow.Samples(List.of()),
                Double.NaN,
                List.of());
        JsonNode json =
                new JsonMapper().readTree(BenchReport.json(List.of(row))).get(0);
        assertTrue(json.get("share_of_roofline").isNull());
        assertTrue(BenchReport.table(List.of(row)).text().stripTrailing().endsWith("-"));
        assertTrue(HtmlReport.page(List.of(row)).contains("<svg"));
    }

    @Test
    void theChartHasABarPerRowOfTheRightLength() throws Exception {
        String page = HtmlReport.page(List.of(generation(), prompt()));
        String svg = page.substring(page.indexOf("<svg"), page.indexOf("</svg>") + 6);
        Document chart =
                DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
        var bars = chart.getElementsByTagName("rect");
        assertEquals(2, bars.getLength());
        double first = Double.parseDouble(((Element) bars.item(0)).getAttribute("width"));
        double second = Double.parseDouble(((Element) bars.item(1)).getAttribute("width"));
        assertEquals(12.006 / 24 / 0.25, first / second, 0.01);
        assertTrue(chart.getDocumentElement().getTextContent().contains("<model> & \"quotes\" q4_0 tg1"));
        assertTrue(page.contains("&lt;model&gt;"));
    }
}

package dev.nibble.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.evaluation.Preference;
import dev.nibble.evaluation.Trial;
import dev.nibble.evaluation.Trials;
import dev.nibble.evaluation.TuningReport;
import java.io.StringReader;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** The reports of a tuning, on numbers that are easy to follow. */
final class TuneHtmlTest {
    private static final Trial BEST = Trials.variant("q4 <k>", "q8_0/q4_0", 500 << 20, 40, 0.01);
    private static final List<Trial> TRIALS =
            List.of(Trials.base(1600 << 20, 10), BEST, Trials.variant("q8", "f16", 900 << 20, 20, 0.0025));

    private static TuneReport report(Trial recommended, long limit) {
        return new TuneReport(new TuningReport(
                "m & \"n\"", "cpu", 4096, limit, Preference.SPEED, List.of("1. a < b"), TRIALS, recommended, "why"));
    }

    private static Document parse(String page) throws Exception {
        String xml = page.substring(page.indexOf("<body>")).replace("</html>", "");
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
    }

    @Test
    void thePageIsWellFormedAndWhole() throws Exception {
        String page = TuneHtml.page(report(BEST, Long.MAX_VALUE));
        assertFalse(page.contains("http"), "nothing is loaded from elsewhere");
        Document document = parse(page);
        assertEquals(2, document.getElementsByTagName("svg").getLength());
        assertEquals(6, document.getElementsByTagName("circle").getLength());
        assertEquals(4, document.getElementsByTagName("tr").getLength());
        assertTrue(document.getElementsByTagName("h1").item(0).getTextContent().contains("m & \"n\""));
    }

    /** Losses on an axis of square roots: a fourth of the loss is half as high. */
    @Test
    void pointsLieWhereTheyShould() throws Exception {
        NodeList circles = parse(TuneHtml.page(report(BEST, Long.MAX_VALUE))).getElementsByTagName("circle");
        double zero = 380 - 40;
        assertEquals(zero, number(circles, 0, "cy"), 0.1);
        double heightOfBest = zero - number(circles, 1, "cy");
        assertEquals(heightOfBest / 2, zero - number(circles, 2, "cy"), 0.1);
        assertEquals("best", ((Element) circles.item(1)).getAttribute("class"));
        double base = number(circles, 0, "cx") - 70;
        assertEquals(base * 500 / 1600, number(circles, 1, "cx") - 70, 0.1);
        double fast = zero - number(circles, 4, "cy");
        assertEquals(fast / 4, zero - number(circles, 3, "cy"), 0.1);
    }

    private static double number(NodeList elements, int index, String attribute) {
        return Double.parseDouble(((Element) elements.item(index)).getAttribute(attribute));
    }

    @Test
    void textNamesTheChoiceAndHowToRunIt() {
        String text = report(BEST, 1000L << 20).text();
        assertTrue(text.contains("recommended: q4 <k>, context in q8_0/q4_0"), text);
        assertTrue(text.contains("--kv-k q8_0 --kv-v q4_0 --ctx 4096"), text);
        assertTrue(text.lines().anyMatch(line -> line.startsWith("*  q4 <k>")), text);
        assertTrue(text.lines().anyMatch(line -> line.startsWith("×  base")), text);
    }
}

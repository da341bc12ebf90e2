package dev.nibble.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The regular expressions of public pre-tokenizers, run by java.util.regex: the oracle of the splitters. Written as
 * llama.cpp reads them: {@code \s} is Unicode white space, a letter beyond ASCII is both capital and small.
 */
final class PublishedPatterns {
    private static final String CONTRACTION = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
    private static final String WORD = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
    private static final String TAIL = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String SYMBOLS = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|";
    private static final String SLASHED = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" + TAIL;
    private static final String GPT2 =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    private static final String LLAMA3 = CONTRACTION + "|" + WORD + "|\\p{N}{1,3}|" + SYMBOLS + TAIL;
    private static final String QWEN2 = CONTRACTION + "|" + WORD + "|\\p{N}|" + SYMBOLS + TAIL;
    private static final String KANA = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
    private static final String DEEPSEEK_WORDS =
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+" + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+";
    private static final String DEEPSEEK3 = DEEPSEEK_WORDS + "| ?[\\p{P}\\p{S}]+[\\r\\n]*|" + TAIL;
    private static final String EAST_ASIAN = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";
    private static final String BLOOM = " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+";
    private static final String MARKED_WORD = "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+" + CONTRACTION + "?";
    private static final String DIGIT_GROUPS = "\\p{N}{1,3}(?=(?:\\p{N}{3})*+(?!\\p{N}))";

    private static final String HAN =
            "[\u4e00-\u9fff\u3400-\u4dbf\\x{20000}-\\x{2a6df}\\x{2a700}-\\x{2ebef}\uf900-\ufaff\\x{2f800}-\\x{2fa1f}]";
    private static final String NOT_HAN = HAN.replace("[", "[^");
    private static final String AFMOE_SCRIPTS =
            "[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf\u0e40-\u0e7f"
                    + "\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+";

    private static final Map<PreTokenizer, PublishedPatterns> OF = Map.ofEntries(
            row(PreTokenizer.DEFAULT, "[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"),
            row(PreTokenizer.GPT2, GPT2),
            row(PreTokenizer.STARCODER, "\\p{N}", GPT2),
            row(PreTokenizer.FALCON, "[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"),
            row(PreTokenizer.LLAMA3, LLAMA3),
            row(PreTokenizer.CL100K, LLAMA3),
            row(PreTokenizer.CHATGLM4, LLAMA3),
            row(PreTokenizer.QWEN2, QWEN2),
            row(PreTokenizer.QWEN2_SHAPED, QWEN2),
            row(
                    PreTokenizer.QWEN35,
                    CONTRACTION + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
                            + "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" + TAIL),
            row(PreTokenizer.UFAKZEKA, WORD + "|\\p{N}|" + SYMBOLS + TAIL),
            row(PreTokenizer.SEED_CODER, CONTRACTION + "|" + WORD + "|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" + TAIL),
            row(
                    PreTokenizer.JAIS2,
                    CONTRACTION + "|" + WORD + "|\\p{N}{1,3}|" + SYMBOLS
                            + "\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)"
                            + "|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}"),
            row(
                    PreTokenizer.EXAONE_MOE,
                    CONTRACTION
                            + "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}"
                            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"),
            row(PreTokenizer.MINICPM5, "\\p{N}{1,3}", CONTRACTION + "|" + WORD + "|\\p{N}+|" + SYMBOLS + TAIL),
            row(PreTokenizer.GEMMA4, "[^\\n]+|[\\n]+"),
            row(PreTokenizer.SARVAM_MOE, "[^\\n]+|[\\n]+"),
            row(PreTokenizer.LAGUNA, "[^\\n]+|[\\n]+", QWEN2),
            row(PreTokenizer.TEKKEN, cased("\\p{L}", "") + "|\\p{N}" + SLASHED),
            row(PreTokenizer.O200K, cased("\\p{L}", CONTRACTION + "?") + "|\\p{N}{1,3}" + SLASHED),
            row(PreTokenizer.GRANITE_EMBEDDING, cased("[\\p{L}\\p{M}]", CONTRACTION + "?") + "|\\p{N}{1,3}" + SLASHED),
            row(PreTokenizer.TINY_AYA, DIGIT_GROUPS, MARKED_WORD + "|\\p{N}{1,3}" + SLASHED),
            row(
                    PreTokenizer.YOUTU,
                    "[\uac00-\ud7a3\u3131-\u318e]+|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c\u3001-\u303f\ufe30-\ufe4f]+|[\u3105-\u312f]+|"
                            + KANA,
                    MARKED_WORD + "|\\p{N}" + SLASHED),
            row(
                    PreTokenizer.KIMI_K2,
                    HAN + "+|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}&&" + NOT_HAN + "]+" + CONTRACTION + "?|\\p{N}{1,3}|"
                            + SYMBOLS + TAIL),
            row(
                    PreTokenizer.DEEPSEEK_LLM,
                    "[\\r\\n]",
                    "\\s?[" + casedLetters() + "]+",
                    "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3001-\u3002]+",
                    "\\s+$",
                    EAST_ASIAN,
                    "\\p{N}+"),
            row(PreTokenizer.DEEPSEEK_CODER, "[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", EAST_ASIAN, "\\p{N}"),
            row(PreTokenizer.DEEPSEEK3, "\\p{N}{1,3}", KANA, DEEPSEEK3),
            row(
                    PreTokenizer.SPARK25,
                    "\\p{N}{1,3}",
                    KANA,
                    DEEPSEEK_WORDS + "| ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+",
                    "\\p{N}"),
            row(PreTokenizer.AFMOE, DIGIT_GROUPS, AFMOE_SCRIPTS, DEEPSEEK3),
            row(PreTokenizer.BLOOM, BLOOM),
            row(PreTokenizer.VIKING, BLOOM, "\\p{N}"),
            row(
                    PreTokenizer.CHAMELEON,
                    "<sentinel:[0-9]+>",
                    "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
                    "([\\t\\n]|    |  )",
                    "\\p{N}",
                    "[\\p{P}!-/:-@\\[-`{-~]",
                    GPT2),
            row(PreTokenizer.SUPERBPE, "\\p{N}+", "(?=([0-9]{3})+(?![0-9]))"));

    private final List<Pattern> passes;

    private PublishedPatterns(String... passes) {
        this.passes = List.of(passes).stream()
                .map(pass -> Pattern.compile(
                        pass.replace("\\s", "\\p{IsWhite_Space}").replace("\\S", "\\P{IsWhite_Space}")))
                .toList();
    }

    private static Map.Entry<PreTokenizer, PublishedPatterns> row(PreTokenizer row, String... passes) {
        return Map.entry(row, new PublishedPatterns(passes));
    }

    static PublishedPatterns of(PreTokenizer row) {
        return Objects.requireNonNull(OF.get(row), row::name);
    }

    /** Letters that are not a-z, then letters that are not A-Z. */
    private static String cased(String letter, String contraction) {
        String upper = "((?=" + letter + ")([^a-z]))";
        String lower = "((?=" + letter + ")([^A-Z]))";
        String prefix = "[^\\r\\n\\p{L}\\p{N}]?";
        return prefix + upper + "*" + lower + "+" + contraction + "|" + prefix + upper + "+" + lower + "*"
                + contraction;
    }

    private static String casedLetters() {
        StringBuilder ranges = new StringBuilder();
        int[] pairs = CasedLetters.SET.ranges();
        for (int i = 0; i < pairs.length; i += 2) {
            ranges.append(String.format("\\x{%X}-\\x{%X}", pairs[i], pairs[i + 1]));
        }
        return ranges.toString();
    }

    /** The pieces of a text. */
    List<String> split(String text) {
        List<String> pieces = text.isEmpty() ? List.of() : List.of(text);
        for (Pattern pass : passes) {
            List<String> finer = new ArrayList<>();
            pieces.forEach(piece -> split(pass, piece, finer));
            pieces = finer;
        }
        return pieces;
    }

    private static void split(Pattern pass, String piece, List<String> out) {
        Matcher matcher = pass.matcher(piece);
        int end = 0;
        while (matcher.find()) {
            if (matcher.start() > end) {
                out.add(piece.substring(end, matcher.start()));
            }
            if (matcher.end() > matcher.start()) {
                out.add(matcher.group());
            }
            end = matcher.end();
        }
        if (end < piece.length()) {
            out.add(piece.substring(end));
        }
    }
}

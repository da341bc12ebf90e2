package dev.nibble.tokenizer;

import java.util.ArrayList;
import java.util.List;
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

    private final List<Pattern> passes;

    private PublishedPatterns(String... passes) {
        this.passes = List.of(passes).stream()
                .map(pass -> Pattern.compile(
                        pass.replace("\\s", "\\p{IsWhite_Space}").replace("\\S", "\\P{IsWhite_Space}")))
                .toList();
    }

    static PublishedPatterns of(PreTokenizer row) {
        return switch (row) {
            case DEFAULT -> new PublishedPatterns("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]");
            case GPT2 -> new PublishedPatterns(GPT2);
            case STARCODER -> new PublishedPatterns("\\p{N}", GPT2);
            case FALCON -> new PublishedPatterns("[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]");
            case LLAMA3, CL100K, CHATGLM4 -> new PublishedPatterns(LLAMA3);
            case QWEN2 -> new PublishedPatterns(QWEN2);
            case QWEN35 ->
                new PublishedPatterns(CONTRACTION + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
                        + "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" + TAIL);
            case UFAKZEKA -> new PublishedPatterns(WORD + "|\\p{N}|" + SYMBOLS + TAIL);
            case SEED_CODER ->
                new PublishedPatterns(CONTRACTION + "|" + WORD + "|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" + TAIL);
            case JAIS2 ->
                new PublishedPatterns(CONTRACTION + "|" + WORD + "|\\p{N}{1,3}|" + SYMBOLS
                        + "\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)"
                        + "|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}");
            case EXAONE_MOE ->
                new PublishedPatterns(CONTRACTION
                        + "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}"
                        + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+");
            case MINICPM5 ->
                new PublishedPatterns("\\p{N}{1,3}", CONTRACTION + "|" + WORD + "|\\p{N}+|" + SYMBOLS + TAIL);
            case GEMMA4, SARVAM_MOE -> new PublishedPatterns("[^\\n]+|[\\n]+");
            case LAGUNA -> new PublishedPatterns("[^\\n]+|[\\n]+", QWEN2);
            case TEKKEN -> new PublishedPatterns(cased("\\p{L}", "") + "|\\p{N}" + SLASHED);
            case O200K -> new PublishedPatterns(cased("\\p{L}", CONTRACTION + "?") + "|\\p{N}{1,3}" + SLASHED);
            case GRANITE_EMBEDDING ->
                new PublishedPatterns(cased("[\\p{L}\\p{M}]", CONTRACTION + "?") + "|\\p{N}{1,3}" + SLASHED);
            case TINY_AYA -> new PublishedPatterns(DIGIT_GROUPS, MARKED_WORD + "|\\p{N}{1,3}" + SLASHED);
            case YOUTU ->
                new PublishedPatterns(
                        "[\uac00-\ud7a3\u3131-\u318e]+|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c\u3001-\u303f\ufe30-\ufe4f]+|[\u3105-\u312f]+|"
                                + KANA,
                        MARKED_WORD + "|\\p{N}" + SLASHED);
            case KIMI_K2 ->
                new PublishedPatterns(HAN + "+|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}&&" + NOT_HAN + "]+" + CONTRACTION
                        + "?|\\p{N}{1,3}|" + SYMBOLS + TAIL);
            case DEEPSEEK_LLM ->
                new PublishedPatterns(
                        "[\\r\\n]",
                        "\\s?[" + casedLetters() + "]+",
                        "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3001-\u3002]+",
                        "\\s+$",
                        EAST_ASIAN,
                        "\\p{N}+");
            case DEEPSEEK_CODER ->
                new PublishedPatterns("[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", EAST_ASIAN, "\\p{N}");
            case DEEPSEEK3 -> new PublishedPatterns("\\p{N}{1,3}", KANA, DEEPSEEK3);
            case SPARK25 ->
                new PublishedPatterns(
                        "\\p{N}{1,3}", KANA, DEEPSEEK_WORDS + "| ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+", "\\p{N}");
            case AFMOE -> new PublishedPatterns(DIGIT_GROUPS, AFMOE_SCRIPTS, DEEPSEEK3);
            case BLOOM -> new PublishedPatterns(BLOOM);
            case VIKING -> new PublishedPatterns(BLOOM, "\\p{N}");
            case CHAMELEON ->
                new PublishedPatterns(
                        "<sentinel:[0-9]+>",
                        "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
                        "([\\t\\n]|    |  )",
                        "\\p{N}",
                        "[\\p{P}!-/:-@\\[-`{-~]",
                        GPT2);
            case SUPERBPE -> new PublishedPatterns("\\p{N}+", "(?=([0-9]{3})+(?![0-9]))");
        };
    }

    private static final String HAN =
            "[\u4e00-\u9fff\u3400-\u4dbf\\x{20000}-\\x{2a6df}\\x{2a700}-\\x{2ebef}\uf900-\ufaff\\x{2f800}-\\x{2fa1f}]";
    private static final String NOT_HAN = HAN.replace("[", "[^");
    private static final String AFMOE_SCRIPTS =
            "[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf\u0e40-\u0e7f"
                    + "\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+";

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

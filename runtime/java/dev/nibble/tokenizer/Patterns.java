package dev.nibble.tokenizer;

import static dev.nibble.tokenizer.Utf8.LETTER;
import static dev.nibble.tokenizer.Utf8.MARK;
import static dev.nibble.tokenizer.Utf8.NUMBER;
import static dev.nibble.tokenizer.Utf8.PUNCTUATION;
import static dev.nibble.tokenizer.Utf8.SPACE;
import static dev.nibble.tokenizer.Utf8.SYMBOL;

import java.util.List;

/**
 * The passes of public pre-tokenizers, as rules. Each says in its Javadoc which regular expressions it stands for, where
 * that is not plain from the rules.
 *
 * <p>Source: the expressions in llama.cpp, src/llama-vocab.cpp.
 */
final class Patterns {
    private static final int WORD_KINDS = LETTER | NUMBER;
    private static final int NOT_SYMBOL = SPACE | WORD_KINDS;
    private static final String NEWLINE = "\r\n";
    private static final String NEWLINE_OR_SLASH = "\r\n/";
    private static final CodePointSet NUMBERS = new CodePointSet(NUMBER);
    private static final CodePointSet NEWLINES = CodePointSet.of(0, "\n\n\r\r");
    private static final CodePointSet ASCII_DIGITS = CodePointSet.of(0, "09");

    /** Han up to U+9FA5, Hiragana and Katakana. */
    private static final CodePointSet CHINESE_AND_KANA = CodePointSet.of(0, "\u3040\u30FF一龥");

    /** DeepSeek's range from U+0800 up, and Hangul. */
    private static final CodePointSet EAST_ASIAN = CodePointSet.of(0, "\u0800龥가\uD7FF");

    private static final CodePointSet AFMOE_SCRIPTS = CodePointSet.of(
            0,
            "\u0E40\u0EFF\u1000\u109F\u1100\u11FF\u1780\u17FF\u2F00\u2FDF\u3040\u30FF\u3400\u4DBF\u4E00\u9FFF"
                    + "\uA9E0\uA9FF\uAA60\uAA7F\uAC00\uD7AF\uF900\uFAFF\uFF65\uFF9F");

    private static final CodePointSet HAN = new CodePointSet(
            0, 0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0xFAFF, 0x20000, 0x2A6DF, 0x2A700, 0x2EBEF, 0x2F800, 0x2FA1F);

    private Patterns() {}

    /** The passes of a pre-tokenizer. */
    static List<Splitter> of(PreTokenizer row) {
        return switch (row) {
            case DEFAULT -> absent();
            case GPT2 -> List.of(gpt2());
            case STARCODER -> List.of(digits(1), gpt2());
            case FALCON -> falcon();
            case LLAMA3, CL100K, CHATGLM4 -> List.of(cl100k(3));
            case QWEN2, QWEN2_SHAPED -> List.of(cl100k(1));
            case QWEN35 -> List.of(qwen35());
            case UFAKZEKA -> List.of(ufakzeka());
            case SEED_CODER -> List.of(seedCoder());
            case JAIS2 -> List.of(jais2());
            case EXAONE_MOE -> List.of(exaoneMoe());
            case MINICPM5 -> List.of(digits(3), cl100k(Integer.MAX_VALUE));
            case GEMMA4, SARVAM_MOE -> List.of(lines());
            case LAGUNA -> List.of(lines(), cl100k(1));
            case TEKKEN -> List.of(o200k(CasedWord.letters(false), 1));
            case O200K -> List.of(o200k(CasedWord.letters(true), 3));
            case GRANITE_EMBEDDING -> List.of(o200k(CasedWord.marked(true), 3));
            case TINY_AYA -> tinyAya();
            case YOUTU -> youtu();
            case KIMI_K2 -> List.of(kimiK2());
            case DEEPSEEK_LLM -> deepSeekLlm();
            case DEEPSEEK_CODER -> deepSeekCoder();
            case DEEPSEEK3 -> List.of(digits(3), chineseAndKana(), deepSeek3Words());
            case SPARK25 -> List.of(digits(3), chineseAndKana(), spark25Words(), digits(1));
            case AFMOE -> afmoe();
            case BLOOM -> List.of(bloom());
            case VIKING -> List.of(bloom(), digits(1));
            case CHAMELEON -> chameleon();
            case SUPERBPE -> superBpe();
        };
    }

    /** {@code \p{N}{1,most}}. */
    private static Splitter digits(int most) {
        return new Alternation(Rules.digits(most));
    }

    private static Splitter chineseAndKana() {
        return new Alternation(Rules.run(CHINESE_AND_KANA));
    }

    /** {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}. */
    private static Splitter gpt2() {
        return new Alternation(
                Rules.contraction(false),
                Rules.spaced(LETTER),
                Rules.spaced(NUMBER),
                Rules.spacedExcept(NOT_SYMBOL, ""),
                Rules.spaces());
    }

    /** Punctuation and these ASCII symbols, {@link #gpt2}, and then the digits by threes from the left. */
    private static List<Splitter> falcon() {
        CodePointSet marks = CodePointSet.of(PUNCTUATION, "$$++<>^^``||~~");
        return List.of(new Alternation(Rules.run(marks)), gpt2(), threeDigits());
    }

    /** {@link #falcon} without the grave accent, and with numbers on their own. */
    private static List<Splitter> absent() {
        CodePointSet marks = CodePointSet.of(PUNCTUATION, "$$++<>^^||~~");
        return List.of(new Alternation(Rules.run(marks)), gpt2(), new Alternation(Rules.run(NUMBERS)), threeDigits());
    }

    private static Splitter threeDigits() {
        return new Alternation(Rules.run(3, 3, ASCII_DIGITS));
    }

    /**
     * {@code (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
     * \s+(?!\S)|\s+}.
     */
    private static Splitter cl100k(int digits) {
        return new Alternation(
                Rules.contraction(true),
                Rules.word(WORD_KINDS, LETTER),
                Rules.digits(digits),
                Rules.spacedExcept(NOT_SYMBOL, NEWLINE),
                Rules.newlines(),
                Rules.spaces());
    }

    /** {@link #cl100k} with single digits, where marks belong to the letters before them. */
    private static Splitter qwen35() {
        return new Alternation(
                Rules.contraction(true),
                Rules.word(WORD_KINDS, LETTER | MARK),
                Rules.digits(1),
                Rules.spacedExcept(NOT_SYMBOL | MARK, NEWLINE),
                Rules.newlines(),
                Rules.spaces());
    }

    /** {@link #cl100k} with single digits, without contractions. */
    private static Splitter ufakzeka() {
        return new Alternation(
                Rules.word(WORD_KINDS, LETTER),
                Rules.digits(1),
                Rules.spacedExcept(NOT_SYMBOL, NEWLINE),
                Rules.newlines(),
                Rules.spaces());
    }

    /** {@link #cl100k} with single digits, where newlines after symbols stand alone. */
    private static Splitter seedCoder() {
        return new Alternation(
                Rules.contraction(true),
                Rules.word(WORD_KINDS, LETTER),
                Rules.digits(1),
                Rules.spacedExcept(NOT_SYMBOL, ""),
                Rules.newlines(),
                Rules.spaces());
    }

    /** {@link #cl100k} with white space in pieces of 512, 256 … 4, 2 or 1. */
    private static Splitter jais2() {
        return new Alternation(
                Rules.contraction(true),
                Rules.word(WORD_KINDS, LETTER),
                Rules.digits(3),
                Rules.spacedExcept(NOT_SYMBOL, NEWLINE),
                Rules.newlines(),
                FamilyRules.spacesByPowersOfTwo(512));
    }

    /** {@link #cl100k} with single digits, where a word may hold single blanks. */
    private static Splitter exaoneMoe() {
        return new Alternation(
                Rules.contraction(true),
                FamilyRules.phrase(),
                Rules.digits(1),
                Rules.spacedExceptOnce(NOT_SYMBOL, NEWLINE_OR_SLASH),
                Rules.newlines(),
                Rules.spaces());
    }

    /** A kind of word, digits by so many, and the rest as o200k has it. */
    private static Splitter o200k(Rule word, int digits) {
        return new Alternation(
                word,
                Rules.digits(digits),
                Rules.spacedExcept(NOT_SYMBOL, NEWLINE_OR_SLASH),
                Rules.newlines(),
                Rules.spaces());
    }

    /** Han on its own, words of other scripts with their contractions. */
    private static Splitter kimiK2() {
        return new Alternation(
                Rules.run(HAN),
                FamilyRules.wordExcept(HAN),
                Rules.digits(3),
                Rules.spacedExcept(NOT_SYMBOL, NEWLINE),
                Rules.newlines(),
                Rules.spaces());
    }

    private static List<Splitter> youtu() {
        return List.of(
                new Alternation(
                        Rules.run(CodePointSet.of(0, "ㄱㆎ가힣")),
                        Rules.run(CodePointSet.of(0, "——‘’“”……\u3001\u303F\uFE30\uFE4F！！，，：；")),
                        Rules.run(CodePointSet.of(0, "ㄅㄯ")),
                        Rules.run(CHINESE_AND_KANA)),
                o200k(Rules.wordWithContraction(), 1));
    }

    private static List<Splitter> tinyAya() {
        return List.of(new DigitGroups(NUMBERS, true), o200k(Rules.wordWithContraction(), 3));
    }

    private static List<Splitter> superBpe() {
        return List.of(new Alternation(Rules.run(NUMBERS)), new DigitGroups(ASCII_DIGITS, false));
    }

    private static List<Splitter> afmoe() {
        return List.of(new DigitGroups(NUMBERS, true), new Alternation(Rules.run(AFMOE_SCRIPTS)), deepSeek3Words());
    }

    private static Splitter spark25Words() {
        return new Alternation(
                Rules.punctuatedWord(),
                Rules.word(LETTER | PUNCTUATION | SYMBOL, LETTER | MARK),
                Rules.spaced(PUNCTUATION | SYMBOL),
                Rules.run(1, 1, NEWLINES),
                Rules.spaces());
    }

    /**
     * {@code [!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+}.
     */
    private static Splitter deepSeek3Words() {
        return new Alternation(
                Rules.punctuatedWord(),
                Rules.word(LETTER | PUNCTUATION | SYMBOL, LETTER | MARK),
                Rules.spaced(PUNCTUATION | SYMBOL, NEWLINE),
                Rules.newlines(),
                Rules.spaces());
    }

    private static List<Splitter> deepSeekCoder() {
        return List.of(
                singleNewlines(),
                new Alternation(Rules.runAfterSpace(new CodePointSet(LETTER))),
                new Alternation(Rules.runAfterSpace(new CodePointSet(PUNCTUATION))),
                new Alternation(Rules.run(EAST_ASIAN)),
                digits(1));
    }

    private static List<Splitter> deepSeekLlm() {
        CodePointSet marks = CodePointSet.of(0, "!/:~\u2018\u201F、。！／：～");
        return List.of(
                singleNewlines(),
                new Alternation(Rules.runAfterSpace(CasedLetters.SET)),
                new Alternation(Rules.runAfterSpace(marks)),
                new Alternation(Rules.spacesAtEnd()),
                new Alternation(Rules.run(EAST_ASIAN)),
                new Alternation(Rules.run(NUMBERS)));
    }

    private static Splitter singleNewlines() {
        return new Alternation(Rules.run(1, 1, NEWLINES));
    }

    /** {@code [^\n]+|\n+}. */
    private static Splitter lines() {
        return new Alternation(Rules.run(CodePointSet.of(0, "\n\n")));
    }

    /** {@code  ?[^(\s|.,!?…。，、।۔،)]+} with a blank before. */
    private static Splitter bloom() {
        CodePointSet stops = CodePointSet.of(SPACE, "!!(),,..??||\u060C\u060C\u06D4\u06D4\u0964\u0964……、。，，");
        return new Alternation(FamilyRules.spacedExcept(stops));
    }

    private static List<Splitter> chameleon() {
        return List.of(
                new Alternation(FamilyRules.sentinel()),
                new Alternation(FamilyRules.imageToken()),
                new Alternation(FamilyRules.indent()),
                digits(1),
                new Alternation(Rules.run(1, 1, CodePointSet.of(PUNCTUATION, "!/:@[`{~"))),
                gpt2());
    }
}

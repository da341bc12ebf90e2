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

    /** {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}. */
    static Splitter gpt2() {
        return new Alternation(
                Rules.contraction(false),
                Rules.spaced(LETTER),
                Rules.spaced(NUMBER),
                Rules.spacedExcept(NOT_SYMBOL, ""),
                Rules.spaces());
    }

    /** {@code [set]+}, {@code \p{N}} and the like on their own before {@link #gpt2}. */
    static List<Splitter> gpt2After(Rule rule) {
        return List.of(new Alternation(rule), gpt2());
    }

    /** Punctuation and these ASCII symbols, {@link #gpt2}, and then the digits by threes from the left. */
    static List<Splitter> falcon() {
        CodePointSet marks = CodePointSet.of(PUNCTUATION, "$$++<>^^``||~~");
        return List.of(new Alternation(Rules.run(marks)), gpt2(), threeDigits());
    }

    /** {@link #falcon} without the grave accent, and with numbers on their own. */
    static List<Splitter> absent() {
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
    static Splitter cl100k(int digits) {
        return new Alternation(
                Rules.contraction(true),
                Rules.word(WORD_KINDS, LETTER),
                Rules.digits(digits),
                Rules.spacedExcept(NOT_SYMBOL, NEWLINE),
                Rules.newlines(),
                Rules.spaces());
    }

    /** {@link #cl100k} with single digits, where marks belong to the letters before them. */
    static Splitter qwen35() {
        return new Alternation(
                Rules.contraction(true),
                Rules.word(WORD_KINDS, LETTER | MARK),
                Rules.digits(1),
                Rules.spacedExcept(NOT_SYMBOL | MARK, NEWLINE),
                Rules.newlines(),
                Rules.spaces());
    }

    /** {@link #cl100k} with single digits, without contractions. */
    static Splitter ufakzeka() {
        return new Alternation(
                Rules.word(WORD_KINDS, LETTER),
                Rules.digits(1),
                Rules.spacedExcept(NOT_SYMBOL, NEWLINE),
                Rules.newlines(),
                Rules.spaces());
    }

    /** {@link #cl100k} with single digits, where newlines after symbols stand alone. */
    static Splitter seedCoder() {
        return new Alternation(
                Rules.contraction(true),
                Rules.word(WORD_KINDS, LETTER),
                Rules.digits(1),
                Rules.spacedExcept(NOT_SYMBOL, ""),
                Rules.newlines(),
                Rules.spaces());
    }

    /** {@link #cl100k} with white space in pieces of 512, 256 … 4, 2 or 1. */
    static Splitter jais2() {
        return new Alternation(
                Rules.contraction(true),
                Rules.word(WORD_KINDS, LETTER),
                Rules.digits(3),
                Rules.spacedExcept(NOT_SYMBOL, NEWLINE),
                Rules.newlines(),
                FamilyRules.spacesByPowersOfTwo(512));
    }

    /** {@link #cl100k} with single digits, where a word may hold single blanks. */
    static Splitter exaoneMoe() {
        return new Alternation(
                Rules.contraction(true),
                FamilyRules.phrase(),
                Rules.digits(1),
                Rules.spacedExceptOnce(NOT_SYMBOL, NEWLINE_OR_SLASH),
                Rules.newlines(),
                Rules.spaces());
    }

    /** A kind of word, digits by so many, and the rest as o200k has it. */
    static Splitter o200k(Rule word, int digits) {
        return new Alternation(
                word,
                Rules.digits(digits),
                Rules.spacedExcept(NOT_SYMBOL, NEWLINE_OR_SLASH),
                Rules.newlines(),
                Rules.spaces());
    }

    /** Han on its own, words of other scripts with their contractions. */
    static Splitter kimiK2() {
        return new Alternation(
                Rules.run(HAN),
                FamilyRules.wordExcept(HAN),
                Rules.digits(3),
                Rules.spacedExcept(NOT_SYMBOL, NEWLINE),
                Rules.newlines(),
                Rules.spaces());
    }

    static List<Splitter> youtu() {
        return List.of(
                new Alternation(
                        Rules.run(CodePointSet.of(0, "ㄱㆎ가힣")),
                        Rules.run(CodePointSet.of(0, "——‘’“”……\u3001\u303F\uFE30\uFE4F！！，，：；")),
                        Rules.run(CodePointSet.of(0, "ㄅㄯ")),
                        Rules.run(CHINESE_AND_KANA)),
                o200k(Rules.wordWithContraction(), 1));
    }

    static List<Splitter> tinyAya() {
        return List.of(
                new DigitGroups(ASCII_DIGITS, next -> Rules.isAsciiLetter(next) || next == '_', true),
                o200k(Rules.wordWithContraction(), 3));
    }

    static List<Splitter> superBpe() {
        return List.of(new Alternation(Rules.run(NUMBERS)), new DigitGroups(ASCII_DIGITS, next -> false, false));
    }

    static List<Splitter> deepSeek3() {
        return List.of(
                new Alternation(Rules.digits(3)), new Alternation(Rules.run(CHINESE_AND_KANA)), deepSeek3Words());
    }

    static List<Splitter> afmoe() {
        return List.of(
                new DigitGroups(NUMBERS, next -> false, true),
                new Alternation(Rules.run(AFMOE_SCRIPTS)),
                deepSeek3Words());
    }

    static List<Splitter> spark25() {
        return List.of(
                new Alternation(Rules.digits(3)),
                new Alternation(Rules.run(CHINESE_AND_KANA)),
                new Alternation(
                        Rules.punctuatedWord(),
                        Rules.word(LETTER | PUNCTUATION | SYMBOL, LETTER | MARK),
                        Rules.spaced(PUNCTUATION | SYMBOL),
                        Rules.run(1, 1, CodePointSet.of(0, "\n\n\r\r")),
                        Rules.spaces()),
                new Alternation(Rules.digits(1)));
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

    static List<Splitter> deepSeekCoder() {
        return List.of(
                singleNewlines(),
                new Alternation(Rules.runAfterSpace(new CodePointSet(LETTER))),
                new Alternation(Rules.runAfterSpace(new CodePointSet(PUNCTUATION))),
                new Alternation(Rules.run(EAST_ASIAN)),
                new Alternation(Rules.digits(1)));
    }

    static List<Splitter> deepSeekLlm() {
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
        return new Alternation(Rules.run(1, 1, CodePointSet.of(0, "\n\n\r\r")));
    }

    /** {@code [^\n]+|\n+}. */
    static Splitter lines() {
        return new Alternation(Rules.run(CodePointSet.of(0, "\n\n")));
    }

    /** {@code  ?[^(\s|.,!?…。，、।۔،)]+} with a blank before. */
    static Splitter bloom() {
        CodePointSet stops = CodePointSet.of(SPACE, "!!(),,..??||\u060C\u060C\u06D4\u06D4\u0964\u0964……、。，，");
        return new Alternation(FamilyRules.spacedExcept(stops));
    }

    static List<Splitter> chameleon() {
        return List.of(
                new Alternation(FamilyRules.sentinel()),
                new Alternation(FamilyRules.imageToken()),
                new Alternation(FamilyRules.indent()),
                new Alternation(Rules.digits(1)),
                new Alternation(Rules.run(1, 1, CodePointSet.of(PUNCTUATION, "!/:@[`{~"))),
                gpt2());
    }
}

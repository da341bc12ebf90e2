package dev.nibble.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
    private static final int MEBIBYTE = 1 << 20;

    @ParameterizedTest
    @ValueSource(strings = {"gpt-2", "llama-bpe", "deepseek-coder", "deepseek-llm", "mpt", "starcoder", "llama-spm"})
    void givesBackEveryText(String name) {
        Tokenizer tokenizer = GoldenTokenizers.named(name);
        RandomText texts = new RandomText(23);
        for (int i = 0; i < 1000; i++) {
            String text = texts.next(i % 50);
            int[] ids = tokenizer.encodePlain(text);
            assertEquals(text, tokenizer.decode(ids));
            assertArrayEquals(ids, tokenizer.encodePlain(tokenizer.decode(ids)));
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            IntStream.of(ids).forEach(id -> bytes.writeBytes(tokenizer.bytes(id)));
            String prefix = tokenizer.vocabulary().addsSpacePrefix() && !text.isEmpty() ? " " : "";
            assertEquals(prefix + text, bytes.toString(StandardCharsets.UTF_8));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt-2", "llama-bpe", "deepseek-llm", "mpt", "llama-spm", "bert-bge"})
    void takesAMebibyteOfAnything(String name) {
        Tokenizer tokenizer = GoldenTokenizers.named(name);
        for (String unit : List.of("a", " ", "🦙", "é", "<")) {
            String text = unit.repeat(MEBIBYTE / unit.getBytes(StandardCharsets.UTF_8).length);
            int[] ids = assertTimeoutPreemptively(
                    Duration.ofSeconds(20), () -> tokenizer.encode(text), () -> name + " on '" + unit + "'");
            if (tokenizer.vocabulary().scheme() == VocabularyScheme.BYTE_PAIR) {
                assertEquals(text, tokenizer.decode(ids));
            }
        }
    }

    @Test
    void cutsAnEmojiIntoBytesAndStreamsItWhole() {
        Tokenizer tokenizer = GoldenTokenizers.named("gpt-2");
        int[] ids = tokenizer.encodePlain("🦙");
        assertTrue(ids.length > 1, "one token");
        TokenDecoder decoder = tokenizer.decoder();
        List<String> pieces = new ArrayList<>();
        for (int id : ids) {
            pieces.add(decoder.accept(id));
        }
        assertEquals("🦙", pieces.getLast());
        assertEquals("🦙", String.join("", pieces));
    }

    @Test
    void recognisesTheTokensOfAChat() {
        Tokenizer tokenizer = GoldenTokenizers.named("llama-bpe");
        Vocabulary vocabulary = tokenizer.vocabulary();
        String prompt = "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>";
        assertArrayEquals(new int[] {128000, 128006, 882, 128007, 271, 13347, 128009}, tokenizer.encode(prompt));
        assertEquals("user\n\nHi", tokenizer.decode(tokenizer.encode(prompt)));
        assertEquals("<|begin_of_text|>" + prompt, tokenizer.decode(tokenizer.encode(prompt), true));
        assertEquals(prompt, tokenizer.decode(tokenizer.encodePlain(prompt)));
        assertTrue(IntStream.of(tokenizer.encodePlain(prompt)).allMatch(id -> vocabulary.kind(id) == TokenKind.NORMAL));
        assertEquals(128009, vocabulary.eot());
        assertTrue(vocabulary.isEndOfGeneration(128009));
        assertTrue(vocabulary.isEndOfGeneration(128001));
        assertTrue(vocabulary.isEndOfGeneration(128008));
    }

    @Test
    void readsALoneSurrogateAsAQuestionMark() {
        Tokenizer tokenizer = GoldenTokenizers.named("gpt-2");
        assertArrayEquals(tokenizer.encodePlain("a?b"), tokenizer.encodePlain("a\uD83Eb"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-bpe", "gpt-2", "llama-spm", "bert-bge"})
    void manyThreadsShareOne(String name) throws InterruptedException, ExecutionException {
        Tokenizer tokenizer = GoldenTokenizers.named(name);
        RandomText texts = new RandomText(29);
        List<String> inputs =
                IntStream.range(0, 200).mapToObj(i -> texts.next(100)).toList();
        List<int[]> alone = inputs.stream().map(tokenizer::encode).toList();
        Tokenizer fresh = GoldenTokenizers.fresh("tokenizers/" + name + ".gguf");
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                int start = i * 13;
                all.add(threads.submit(() -> {
                    for (int j = 0; j < inputs.size(); j++) {
                        int item = (start + j) % inputs.size();
                        assertArrayEquals(alone.get(item), fresh.encode(inputs.get(item)));
                    }
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
        }
    }
}

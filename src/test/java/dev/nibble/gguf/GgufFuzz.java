package dev.nibble.gguf;

import dev.nibble.InvalidModelException;
import dev.nibble.UnsupportedFeatureException;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What every file, however broken, must survive: it is refused with the two exceptions of the reader, or all of it can be
 * read and written again. The entry point of the seeded mutation test and of Jazzer.
 */
public final class GgufFuzz {
    private static final Path NAME = Path.of("fuzz.gguf");

    private GgufFuzz() {}

    /** Reads a file; anything but an expected refusal escapes. */
    public static void fuzzerTestOneInput(byte[] bytes) {
        refusal(bytes);
    }

    /** Reads a file and tells why it was refused; empty if it loaded. */
    static Optional<String> refusal(byte[] bytes) {
        try (GgufFile file = GgufFile.of(NAME, MemorySegment.ofArray(bytes))) {
            readAll(file);
            return Optional.empty();
        } catch (InvalidModelException e) {
            requirePlace(e, bytes.length);
            return Optional.of(e.getMessage());
        } catch (UnsupportedFeatureException e) {
            return Optional.of(e.getMessage());
        }
    }

    private static void requirePlace(InvalidModelException e, long length) {
        if (e.offset() < 0 || e.offset() > length || !NAME.equals(e.path())) {
            throw new AssertionError("the refusal names no place in the file", e);
        }
    }

    private static void readAll(GgufFile file) {
        Metadata metadata = file.metadata();
        for (String key : metadata.keys()) {
            metadata.value(key);
            refusesOrGives(() -> metadata.requireString(key));
            refusesOrGives(() -> metadata.requireInt(key));
            refusesOrGives(() -> metadata.requireFloat(key));
            refusesOrGives(() -> metadata.boolOr(key, true));
            refusesOrGives(() -> metadata.integer(key));
            refusesOrGives(() -> metadata.strings(key));
            refusesOrGives(() -> metadata.ints(key));
            refusesOrGives(() -> metadata.floats(key));
            refusesOrGives(() -> metadata.bools(key));
        }
        long previousEnd = 0;
        for (TensorInfo tensor : file.tensors()) {
            MemorySegment data = file.data(tensor);
            if (tensor.offset() < previousEnd || data.byteSize() != tensor.bytes()) {
                throw new AssertionError("overlapping or cut: " + tensor);
            }
            if (data.byteSize() > 0) {
                data.get(ValueLayout.JAVA_BYTE, 0);
                data.get(ValueLayout.JAVA_BYTE, data.byteSize() - 1);
            }
            previousEnd = tensor.offset() + tensor.bytes();
        }
        rewrite(file);
    }

    /** What could be read can be written. */
    private static void rewrite(GgufFile file) {
        try (WritableByteChannel nowhere = Channels.newChannel(OutputStream.nullOutputStream())) {
            GgufHeaderWriter.check(file.metadata());
            file.tensors().forEach(tensor -> GgufHeaderWriter.checkName(tensor.name()));
            new GgufHeaderWriter(nowhere).write(file.metadata(), file.tensors());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void refusesOrGives(Supplier<Object> getter) {
        try {
            getter.get();
        } catch (InvalidModelException e) {
            if (!e.getMessage().contains("metadata key")) {
                throw new AssertionError("the refusal names no key", e);
            }
        }
    }
}

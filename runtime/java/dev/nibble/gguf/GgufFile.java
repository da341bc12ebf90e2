package dev.nibble.gguf;

import dev.nibble.InvalidModelException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * An open GGUF file of version 2 or 3: its metadata, its tensor table and, memory-mapped, its tensor data. A split model
 * ({@code NAME-00001-of-00003.gguf}) opens as one file, whichever of its parts is named; its metadata is that of the
 * first part.
 *
 * <p>Everything but the values of the tensors has been checked when {@link #open} returns. Safe for use by many threads.
 *
 * <p>Source: the GGUF specification (ggml, docs/gguf.md).
 */
public final class GgufFile implements AutoCloseable {
    private final Path path;
    private final Arena arena;
    private final List<Part> parts;
    private final Map<String, TensorInfo> byName;
    private final List<TensorInfo> tensors;

    private GgufFile(Path path, Arena arena, List<Part> parts) {
        this.path = path;
        this.arena = arena;
        this.parts = List.copyOf(parts);
        this.byName = merge(parts);
        this.tensors = List.copyOf(byName.values());
    }

    /** One file: its path, its bytes and what its header says. */
    private record Part(Path path, MemorySegment bytes, GgufHeader header) {}

    /**
     * Opens a file, or all files of a split model, and checks everything but the values of the tensors.
     *
     * @throws IOException if the file, or another part of the model, cannot be read
     * @throws InvalidModelException if a file is not a valid GGUF file, or the parts do not belong together
     * @throws dev.nibble.UnsupportedFeatureException if a tensor has a type of an unknown number
     */
    public static GgufFile open(Path path) throws IOException {
        Arena arena = Arena.ofShared();
        try {
            return new GgufFile(path, arena, openParts(path, arena));
        } catch (IOException | RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /** A file that is in memory already; the path is for its name. */
    static GgufFile of(Path path, MemorySegment bytes) {
        Part part = new Part(path, bytes, GgufHeader.read(path, bytes, 0));
        return new GgufFile(path, Arena.ofShared(), List.of(part));
    }

    /** The path that was opened. */
    public Path path() {
        return path;
    }

    /** The files: one, or all parts of a split model. */
    public List<Path> paths() {
        return parts.stream().map(Part::path).toList();
    }

    /** The version of the format, 2 or 3; of the first part in a split model. */
    public int version() {
        return parts.getFirst().header().version();
    }

    /** The metadata; of the first part in a split model. */
    public Metadata metadata() {
        return parts.getFirst().header().metadata();
    }

    /** All tensors, in the order of the file. */
    public List<TensorInfo> tensors() {
        return tensors;
    }

    /** The tensor of this name, if there is one. */
    public Optional<TensorInfo> find(String name) {
        return Optional.ofNullable(byName.get(name));
    }

    /**
     * The tensor of this name.
     *
     * @throws InvalidModelException if there is none
     */
    public TensorInfo tensor(String name) {
        return find(name).orElseThrow(() -> new InvalidModelException(path, -1, "tensor " + name + " is missing"));
    }

    /**
     * The values of a tensor of this file: exactly its bytes, read-only, little-endian. Valid until {@link #close}.
     *
     * @throws IllegalArgumentException if the tensor is not of this file
     */
    public MemorySegment data(TensorInfo tensor) {
        if (!tensor.equals(byName.get(tensor.name()))) {
            throw new IllegalArgumentException("tensor " + tensor.name() + " is not of " + path);
        }
        Part part = parts.get(tensor.part());
        return part.bytes()
                .asSlice(part.header().dataStart() + tensor.offset(), tensor.bytes())
                .asReadOnly();
    }

    /** The size of the file; of all parts of a split model together. */
    public long fileBytes() {
        return parts.stream().mapToLong(part -> part.bytes().byteSize()).sum();
    }

    /** Unmaps the file. Closing again does nothing. */
    @Override
    public synchronized void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    private static List<Part> openParts(Path path, Arena arena) throws IOException {
        Part opened = openPart(path, 0, arena);
        int count = opened.header().metadata().intOr(SplitName.COUNT_KEY, 1);
        if (count <= 1) {
            return List.of(opened);
        }
        SplitName name = SplitName.of(path)
                .orElseThrow(() -> invalid(
                        opened,
                        SplitName.COUNT_KEY,
                        "says that this is one of " + count + " files, but the file name does not end in -00001-of-"
                                + String.format(Locale.ROOT, "%05d.gguf", count)));
        if (name.count() != count || name.part() < 0 || name.part() >= count) {
            throw invalid(
                    opened,
                    SplitName.COUNT_KEY,
                    "is " + count + ", but the file name says " + (name.part() + 1) + " of " + name.count());
        }
        List<Part> parts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Path sibling = name.sibling(i);
            if (i != name.part() && !Files.exists(sibling)) {
                throw new NoSuchFileException(
                        sibling.toString(), null, "part " + (i + 1) + " of " + count + " of the model");
            }
            Part part = openPart(i == name.part() ? path : sibling, i, arena);
            checkPart(part, i, count);
            parts.add(part);
        }
        checkTensorCount(parts);
        return parts;
    }

    private static Part openPart(Path path, int part, Arena arena) throws IOException {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new IOException(path + " is not a regular file");
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return new Part(path, bytes, GgufHeader.read(path, bytes, part));
        }
    }

    private static void checkPart(Part part, int index, int count) {
        int saysCount = part.header().metadata().requireInt(SplitName.COUNT_KEY);
        if (saysCount != count) {
            throw invalid(part, SplitName.COUNT_KEY, "is " + saysCount + ", but another part says " + count);
        }
        int saysIndex = part.header().metadata().requireInt(SplitName.PART_KEY);
        if (saysIndex != index) {
            throw invalid(part, SplitName.PART_KEY, "is " + saysIndex + ", but the file name means " + index);
        }
    }

    private static void checkTensorCount(List<Part> parts) {
        int sum =
                parts.stream().mapToInt(part -> part.header().tensors().size()).sum();
        int says = parts.getFirst().header().metadata().intOr(SplitName.TENSORS_KEY, sum);
        if (says != sum) {
            throw invalid(parts.getFirst(), SplitName.TENSORS_KEY, "is " + says + ", but the parts hold " + sum);
        }
    }

    private static InvalidModelException invalid(Part part, String key, String message) {
        return part.header().metadata().invalid(key, message);
    }

    private static Map<String, TensorInfo> merge(List<Part> parts) {
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        for (Part part : parts) {
            for (TensorInfo tensor : part.header().tensors()) {
                if (tensors.putIfAbsent(tensor.name(), tensor) != null) {
                    throw new InvalidModelException(
                            part.path(), -1, "tensor " + tensor.name() + " is also in another part of the model");
                }
            }
        }
        return Collections.unmodifiableMap(tensors);
    }
}

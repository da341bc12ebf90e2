package dev.nibble.device.opencl;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Compiled programs on disk, so that a second start need not compile them: a file for each, named by a hash of all that the code depends
 * on. What cannot be read or written is compiled anew: a cache is only a cache.
 */
final class ProgramCache {
    private static final System.Logger LOG = System.getLogger(ProgramCache.class.getName());

    /** Bytes of the hash that a file begins with, of what follows it: drivers trust the code that they are given. */
    private static final int HASH_BYTES = 32;

    private final @Nullable Path folder;

    /** @param folder null: keep nothing */
    ProgramCache(@Nullable Path folder) {
        this.folder = folder;
    }

    /**
     * The cache in the folder that the properties name, or else where this system keeps caches, unless the driver does that itself
     * and gives no code without compiling it once more.
     */
    static ProgramCache of(DeviceTraits device) {
        String chosen = System.getProperty(OpenClProperties.CACHE);
        if (chosen == null) {
            return new ProgramCache(
                    device.keepsPrograms()
                            ? null
                            : systemFolder().resolve("nibble").resolve("opencl"));
        }
        return new ProgramCache(chosen.isEmpty() ? null : Path.of(chosen));
    }

    private static Path systemFolder() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        Path home = Path.of(System.getProperty("user.home"));
        if (system.startsWith("mac")) {
            return home.resolve("Library").resolve("Caches");
        }
        boolean windows = system.startsWith("windows");
        String chosen = System.getenv(windows ? "LOCALAPPDATA" : "XDG_CACHE_HOME");
        if (chosen != null && Path.of(chosen).isAbsolute()) {
            return Path.of(chosen);
        }
        return windows ? home.resolve("AppData").resolve("Local") : home.resolve(".cache");
    }

    /** The name of a program: a hash of device, driver, options and source. */
    static String key(DeviceTraits device, String options, String source) {
        MessageDigest hash = hash();
        for (String part :
                new String[] {device.platformName(), device.name(), device.version(), device.driver(), options, source
                }) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            hash.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
            hash.update(bytes);
        }
        return HexFormat.of().formatHex(hash.digest());
    }

    /** Whether there is a folder to keep code in. */
    boolean keeps() {
        return folder != null;
    }

    /** The code of a program; empty if there is none, or the file was damaged. */
    Optional<byte[]> get(String key) {
        if (folder == null || !Files.exists(file(folder, key))) {
            return Optional.empty();
        }
        try {
            byte[] content = Files.readAllBytes(file(folder, key));
            byte[] code = Arrays.copyOfRange(content, Math.min(HASH_BYTES, content.length), content.length);
            byte[] expected = Arrays.copyOf(content, HASH_BYTES);
            if (MessageDigest.isEqual(expected, hash().digest(code))) {
                return Optional.of(code);
            }
            LOG.log(System.Logger.Level.DEBUG, "the kernel cache file {0} is damaged", file(folder, key));
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "the kernel cache cannot be read", e);
        }
        return Optional.empty();
    }

    /** Keeps the code of a program, in place of what there was. */
    void put(String key, byte[] code) {
        if (folder == null) {
            return;
        }
        try {
            Files.createDirectories(folder);
            Path file = Files.createTempFile(folder, key, ".part");
            try {
                byte[] content = Arrays.copyOf(hash().digest(code), HASH_BYTES + code.length);
                System.arraycopy(code, 0, content, HASH_BYTES, code.length);
                Files.write(file, content);
                Files.move(file, file(folder, key), StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "the kernel cache cannot be written", e);
        }
    }

    private static Path file(Path folder, String key) {
        return folder.resolve(key + ".bin");
    }

    private static MessageDigest hash() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }
}

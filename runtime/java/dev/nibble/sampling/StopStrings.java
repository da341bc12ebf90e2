package dev.nibble.sampling;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Finds the first stop string in a text that comes in pieces, and holds back whatever may still become one, across all
 * borders between pieces. The time is linear in the length of the text, whatever the strings. A text ends at the stop
 * string that is complete first, and before it; of several that end at the same place, before the longest.
 *
 * <p>Source: Aho, Corasick: Efficient String Matching (1975). Not thread-safe: one per generation.
 */
public final class StopStrings {
    /**
     * What was read last is the path from the root to this node: the longest ending of the text that begins a string.
     */
    private static final class Node {
        final int depth;
        final Map<Character, Node> next = new HashMap<>();

        /** The node of the longest ending of this path that is shorter than the path; the root's is the root. */
        Node shorter;

        /** The longest stop string that this path ends with. */
        @Nullable
        String match;

        Node(int depth, @Nullable Node root) {
            this.depth = depth;
            shorter = root == null ? this : root;
        }
    }

    private final Node root = new Node(0, null);
    private final StringBuilder held = new StringBuilder();
    private Node state = root;
    private @Nullable String matched;

    /**
     * A matcher at the start of a text.
     *
     * @param strings what ends the text; may be none
     * @throws IllegalArgumentException if a string is empty
     */
    public StopStrings(Collection<String> strings) {
        for (String string : strings) {
            if (string.isEmpty()) {
                throw new IllegalArgumentException("a stop string is empty; it would end every text at once");
            }
            Node node = root;
            for (int i = 0; i < string.length(); i++) {
                int depth = i + 1;
                node = node.next.computeIfAbsent(string.charAt(i), c -> new Node(depth, root));
            }
            node.match = string;
        }
        linkEndings();
    }

    private void linkEndings() {
        Queue<Node> breadthFirst = new ArrayDeque<>(root.next.values());
        while (!breadthFirst.isEmpty()) {
            Node node = breadthFirst.remove();
            for (Map.Entry<Character, Node> edge : node.next.entrySet()) {
                Node child = edge.getValue();
                child.shorter = step(node.shorter, edge.getKey());
                if (child.match == null) {
                    child.match = child.shorter.match;
                }
                breadthFirst.add(child);
            }
        }
    }

    /** The node after reading {@code c} at {@code node}. */
    private Node step(Node node, char c) {
        Node at = node;
        while (at != root && !at.next.containsKey(c)) {
            at = at.shorter;
        }
        return at.next.getOrDefault(c, root);
    }

    /**
     * Takes the next piece of the text.
     *
     * @return what may be shown now: the text, as far as it cannot be part of a stop string; nothing after a stop
     *     string
     */
    public String accept(String text) {
        if (matched != null) {
            return "";
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            held.append(c);
            state = step(state, c);
            if (state.match != null) {
                matched = state.match;
                return release(held.length() - matched.length());
            }
        }
        return release(held.length() - state.depth);
    }

    /** The text ends here: returns what was still held back, unless it was a stop string. */
    public String flush() {
        state = root;
        return matched == null ? release(held.length()) : "";
    }

    /** Whether a stop string was found; what {@link #accept} gets from then on is dropped. */
    public boolean stopped() {
        return matched != null;
    }

    /** The stop string that was found. */
    public Optional<String> matched() {
        return Optional.ofNullable(matched);
    }

    private String release(int length) {
        String released = held.substring(0, length);
        held.delete(0, length);
        return released;
    }
}

"""The tenant portal: renders fragments, keeps Vorgänge, forwards them to immotion."""

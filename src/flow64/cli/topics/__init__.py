"""The topics of `flow64 help`: each module has a TEXT of paragraphs."""

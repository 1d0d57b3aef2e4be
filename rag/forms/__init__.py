"""Forms of answers: which one a question asks for, and how the blocks of a document answer in it."""

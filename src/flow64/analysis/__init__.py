"""Analysis of one definition: row kinds, columns, rules, cost and effects."""

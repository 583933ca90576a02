"""Random lives of the whole service under faults, judged by the laws at the end."""

"""What the pages show: one frozen record a page, given to its template and, as JSON, to its island.

Every text that a reader sees is made here, once, so that a page as served and the same page after an update agree.
"""

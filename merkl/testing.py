"""For tests of your own backends: what every cache and every content backend must do, as classes to inherit from.

The methods are found by pytest; a fixture gives them an empty backend.

    from merkl.testing import CacheContract

    class TestMyCache(CacheContract):
        @pytest.fixture
        def cache(self, tmp_path):
            return MyCache(tmp_path)
"""

from merkl.cache.contract import CacheContract, ContentBackendContract, make_entry, make_key

__all__ = ["CacheContract", "ContentBackendContract", "make_entry", "make_key"]

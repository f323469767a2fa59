"""Facts of Japan that anonymization needs: check digits, eras, prefectures. No data, no policy."""

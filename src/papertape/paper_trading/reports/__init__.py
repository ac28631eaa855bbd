"""One offline HTML file and its JSON twin (road step 6). PURE."""
